/* A wall clock that can be put ahead while its process runs, by LD_PRELOAD.
 *
 * Each process maps the file KIBA_CLOCKS/<its session id>: a number of seconds, to be added to the time. As on
 * a machine whose clock is set, CLOCK_MONOTONIC goes on untouched.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Seconds since boot never come near it, seconds since 1970 are beyond it: it tells their deadlines apart. */
#define SINCE_1970 1000000000

static const int64_t on_time = 0;
static volatile const int64_t *ahead = &on_time;

__attribute__((constructor)) static void open_clock(void)
{
    const char *folder = getenv("KIBA_CLOCKS");
    char path[4096];
    if (!folder || snprintf(path, sizeof path, "%s/%d", folder, (int)getsid(0)) >= (int)sizeof path) return;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return;
    if (ftruncate(file, sizeof *ahead) == 0) {
        void *page = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
        if (page != MAP_FAILED) ahead = page;
    }
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *moment)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, moment);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) moment->tv_sec += *ahead;
    return failed;
}

int gettimeofday(struct timeval *moment, void *zone)
{
    static int (*real)(struct timeval *, void *);
    if (!real) real = dlsym(RTLD_NEXT, "gettimeofday");
    int failed = real(moment, zone);
    if (!failed) moment->tv_sec += *ahead;
    return failed;
}

time_t time(time_t *moment)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (moment) *moment = now.tv_sec;
    return now.tv_sec;
}

/* The kernel waits by the true time, so a deadline that was reckoned from ours goes back to it. */
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline)
{
    static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    struct timespec truly = *deadline;
    if (truly.tv_sec > SINCE_1970) truly.tv_sec -= *ahead;
    return real(condition, mutex, &truly);
}
