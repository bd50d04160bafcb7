int graft_cpython_placeholder(void);
