#include "CPU.h"

#include <string.h>

#if defined(__x86_64__) || defined(__i386__)

#include <cpuid.h>

enum {
  LEAF1_ECX_FMA = 1u << 12,
  LEAF1_ECX_OSXSAVE = 1u << 27,
  LEAF1_ECX_F16C = 1u << 29,
  LEAF7_EBX_AVX2 = 1u << 5,
  LEAF7_EBX_AVX512F = 1u << 16,
  LEAF7_EBX_AVX512DQ = 1u << 17,
  LEAF7_EBX_AVX512BW = 1u << 30,
  LEAF7_ECX_AVX512VNNI = 1u << 11,
  LEAF7_1_EAX_AVX512BF16 = 1u << 5,
};
static const unsigned LEAF7_EBX_AVX512VL = 1u << 31;

/// State components that the operating system saves: XMM and YMM; those and the mask, upper ZMM and high ZMM registers.
enum { XCR0_YMM = 0x06, XCR0_ZMM = 0xe6 };

static unsigned saved_state(void) {
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

static void read_identity(GraftCPU *cpu) {
  unsigned a, b, c, d;
  if (!__get_cpuid(0, &a, &b, &c, &d)) return;
  memcpy(cpu->vendor, &b, 4);
  memcpy(cpu->vendor + 4, &d, 4);
  memcpy(cpu->vendor + 8, &c, 4);

  if (!__get_cpuid(1, &a, &b, &c, &d)) return;
  unsigned base_family = a >> 8 & 0xf;
  cpu->family = base_family + (base_family == 0xf ? a >> 20 & 0xff : 0);
  cpu->model = a >> 4 & 0xf;
  if (base_family == 0xf || base_family == 0x6) cpu->model |= (a >> 16 & 0xf) << 4;

  unsigned words[12];
  for (unsigned leaf = 0; leaf < 3; leaf++) {
    unsigned *word = words + 4 * leaf;
    if (!__get_cpuid(0x80000002u + leaf, word, word + 1, word + 2, word + 3)) return;
  }
  memcpy(cpu->brand, words, sizeof words);
}

GraftCPU graft_cpu(void) {
  GraftCPU cpu;
  memset(&cpu, 0, sizeof cpu);
  read_identity(&cpu);

  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & LEAF1_ECX_OSXSAVE)) return cpu;
  unsigned saved = saved_state();
  bool ymm = (saved & XCR0_YMM) == XCR0_YMM;
  bool zmm = (saved & XCR0_ZMM) == XCR0_ZMM;
  cpu.fma = ymm && (c & LEAF1_ECX_FMA);
  cpu.f16c = ymm && (c & LEAF1_ECX_F16C);

  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return cpu;
  unsigned subleaves = a;
  cpu.avx2 = ymm && (b & LEAF7_EBX_AVX2);
  cpu.avx512f = zmm && (b & LEAF7_EBX_AVX512F);
  cpu.avx512bw = zmm && (b & LEAF7_EBX_AVX512BW);
  cpu.avx512dq = zmm && (b & LEAF7_EBX_AVX512DQ);
  cpu.avx512vl = zmm && (b & LEAF7_EBX_AVX512VL);
  cpu.avx512vnni = zmm && (c & LEAF7_ECX_AVX512VNNI);
  if (subleaves >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) {
    cpu.avx512bf16 = zmm && (a & LEAF7_1_EAX_AVX512BF16);
  }
  return cpu;
}

#else

#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif

GraftCPU graft_cpu(void) {
  GraftCPU cpu;
  memset(&cpu, 0, sizeof cpu);
#if defined(__aarch64__) || defined(__ARM_NEON)
  cpu.neon = true;
#endif
#if defined(__APPLE__)
  size_t size = sizeof cpu.brand - 1;
  sysctlbyname("machdep.cpu.brand_string", cpu.brand, &size, NULL, 0);
#endif
  return cpu;
}

#endif
