int graft_kernels_placeholder(void);
