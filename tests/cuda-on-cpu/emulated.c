/* emulated.c - makes the engine find the emulated module when a program asks for device "cuda". */
#include <stdlib.h>

__attribute__((constructor)) static void use_emulated_module(void)
{
    setenv("CODESRC_MODULE_PATH", CUDA_ON_CPU_MODULE_PATH, 1);
}
