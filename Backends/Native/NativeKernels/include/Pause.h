#ifndef GRAFT_NATIVE_KERNELS_PAUSE_H
#define GRAFT_NATIVE_KERNELS_PAUSE_H

/// Tells the processor that this thread waits for another.
static inline void graft_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
