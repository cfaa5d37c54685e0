/* How much slower than usual the machine is now. Shared machines change by a factor of two and more
 * within minutes; a prediction made of yesterday's seconds is off by that.
 *
 * What tells is how many want a processor: the kernel's average over the last minute, one system
 * call. A short piece of work that is timed here tells nothing (decision 0140): it ends within
 * one slice of time, whoever else waits. */
#include "report/predict.h"
#include <math.h>
#include <sched.h>
#include <sys/sysinfo.h>

/* Of those who want a processor and those there are, where PRIORS were taken. */
static const double USUAL_EACH = 4;

static double processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? count : 1;
}

/* The root: not all of them want one all the time, and whoever is measured sleeps, too. */
double speed_slowness_of(double load, double processor_count)
{
    double each = (load + 1) / processor_count;
    double slowness = sqrt((each > 1 ? each : 1) / USUAL_EACH);
    return slowness > 2 ? 2 : slowness;
}

double speed_slowness(void)
{
    struct sysinfo info;
    if (sysinfo(&info) != 0) return speed_slowness_of(0, 1);
    return speed_slowness_of((double)info.loads[0] / (1 << SI_LOAD_SHIFT), processors());
}
