/*
 * Functions that are compile errors here: unbounded, locale-bound, or a way around struct env.
 *
 * Included before everything else in all of src but src/os, which may read the clocks and the
 * system's chance.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

/* With _FORTIFY_SOURCE clang sees these as macros, and a macro cannot be poisoned quietly. */
#undef sprintf
#undef vsprintf

#pragma GCC poison sprintf vsprintf strcpy strcat strtok gets
#pragma GCC poison atoi atol atoll atof strtod
#pragma GCC poison clock_gettime gettimeofday getrandom
#pragma GCC poison gmtime localtime mktime

/* Not poisoned, because OpenSSL's headers name their parameters so: only the calls are errors. */
#define rand(...) use_base_chance_or_os_env
#define srand(...) use_base_chance_or_os_env

#endif
