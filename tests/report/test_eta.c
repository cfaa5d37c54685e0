/* The time left, over progress as it comes: simulated traces (a start without work, jobs of uneven
 * size, a machine that changes its speed, an end that nobody tells, predictions off by a factor)
 * and recorded ones. The clock is the trace's. */
#include "report/eta.h"
#include "report/predict.h"
#include "report_test.h"
#include <math.h>

enum { POINTS_MOST = 4096 };

typedef struct Trace {
    double predicted_s, end_s;
    size_t count;
    double at_s[POINTS_MOST], work[POINTS_MOST];
} Trace;

typedef struct Judged {
    double error; /* of the whole time, told when a tenth of the work was done */
    int jumps;    /* of the time left, upwards */
} Judged;

static Judged judge(const Trace *trace)
{
    Eta eta = eta_new(trace->predicted_s);
    Judged judged = {.error = -1};
    EtaView before = {.part = 0, .left_s = -1};
    for (size_t i = 0; i < trace->count; i++) {
        EtaView now = eta_update(&eta, trace->at_s[i], trace->work[i]);
        assert_true(now.part >= before.part && now.part < 1);
        assert_true(trace->predicted_s <= 0 || now.left_s >= 0);
        if (before.left_s >= 0 && now.left_s > before.left_s) judged.jumps++;
        before = now;
        if (judged.error < 0 && trace->work[i] >= 0.1)
            judged.error = fabs(trace->at_s[i] + now.left_s - trace->end_s) / trace->end_s;
    }
    return judged;
}

/* ---- simulated ---- */

static uint64_t seed;
static double uniform(void)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (double)(seed >> 11) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform() + 1e-12)) * cos(6.283185307179586 * uniform());
}

/* Jobs one after the other, each a bit dearer or cheaper than told, at a speed that drifts; asked
 * about 200 times. */
static void simulate(Trace *trace)
{
    int jobs = 3 + (int)(uniform() * 60);
    double costs[64], sizes[64], all = 0, cost = 0, speed = 1, done = 0, now;
    for (int i = 0; i < jobs; i++) {
        sizes[i] = exp(0.7 * normal());
        costs[i] = sizes[i] * exp(0.3 * normal());
        all += sizes[i];
        cost += costs[i];
    }
    double scale = exp(2 + 1.5 * normal()) / cost, start = 0.08 * uniform() * cost * scale;
    double tail = 0.06 * uniform() * cost * scale, step = cost * scale / 200;
    trace->count = 0;
    now = 0;
    for (; now < start; now += step) {
        trace->at_s[trace->count] = now;
        trace->work[trace->count++] = -1;
    }
    for (int i = 0; i < jobs; i++) {
        double begun = now;
        speed *= exp(0.03 * normal());
        double length = costs[i] * scale / speed;
        for (; now < begun + length && trace->count < POINTS_MOST - 400; now += step) {
            double inside = (now - begun) / length;
            trace->at_s[trace->count] = now;
            trace->work[trace->count++] =
                0.97 * (done + sizes[i] * (inside < 0.95 ? inside : 0.95)) / all;
        }
        now = begun + length;
        done += sizes[i];
    }
    trace->end_s = now + tail;
    for (; now < trace->end_s; now += step) {
        trace->at_s[trace->count] = now;
        trace->work[trace->count++] = 0.97;
    }
    trace->predicted_s = trace->end_s * exp(0.5 * normal());
    if (uniform() < 0.2) trace->predicted_s = 0;
}

static void test_simulated(void **state)
{
    (void)state;
    enum { TRACES = 500 };
    static Trace trace;
    double errors[TRACES];
    for (int i = 0; i < TRACES; i++) {
        seed = (uint64_t)i * 977 + 1;
        simulate(&trace);
        Judged judged = judge(&trace);
        if (judged.jumps > 1) print_error("seed of trace %d\n", i);
        assert_true(judged.jumps <= 1);
        errors[i] = judged.error;
    }
    double p50 = stats_quantile(errors, TRACES, 0.5), p90 = stats_quantile(errors, TRACES, 0.9);
    print_message("error of the whole time after a tenth of the work: p50 %.3f, p90 %.3f\n", p50,
                  p90);
    assert_true(p50 <= 0.15);
    assert_true(p90 <= 0.35);
}

/* ---- one by one ---- */

/* A job that says nothing: what was predicted counts down to it, and then it stays "soon". */
static void test_stalled(void **state)
{
    (void)state;
    Eta eta = eta_new(100);
    for (int i = 0; i <= 90; i++) {
        EtaView view = eta_update(&eta, i, i < 20 ? -1 : 0);
        assert_true(fabs(view.left_s - (100 - i)) < 1e-6);
        assert_true(fabs(view.part - i / 100.0) < 1e-6);
    }
    for (int i = 91; i < 500; i++) {
        EtaView view = eta_update(&eta, i, 0);
        assert_true(view.left_s > 0 && view.left_s <= 10 && view.part <= 0.99);
    }
}

static void test_knows_nothing(void **state)
{
    (void)state;
    Eta eta = eta_new(0);
    assert_true(eta_update(&eta, 0, -1).left_s < 0);
    assert_true(eta_update(&eta, 4, -1).left_s < 0);
    assert_true(eta_update(&eta, 5, 0).left_s < 0);
    EtaView view = eta_update(&eta, 15, 0.5); /* work began at 5, half is done at 15 */
    assert_true(fabs(view.left_s - 10) < 1e-6);
    assert_true(fabs(eta_update(&eta, 24, 2).part - 24 / 24.48) < 1e-3);
    assert_true(eta_update(&eta, 24, NAN).part > 0.9);
    eta = eta_new(0); /* asked seldom: it has begun, and nobody has seen when */
    assert_true(eta_update(&eta, 4, -1).left_s < 0);
    assert_true(fabs(eta_update(&eta, 14, 0.5).left_s - 10) < 1e-6);
}

/* Half as fast as predicted: held, corrected once, then held. */
static void test_one_correction(void **state)
{
    (void)state;
    Eta eta = eta_new(100);
    double before = 1e9;
    int jumps = 0;
    for (int i = 0; i < 1000; i++) { /* and slower and slower */
        EtaView view = eta_update(&eta, i, 1 - exp(-i / 300.0));
        jumps += view.left_s > before;
        before = view.left_s;
    }
    assert_int_equal(jumps, 1);
}

/* Recorded from exports with --progress=json: "trace predicted passed work", the last line of each
 * being its end. */
static void test_recorded(void **state)
{
    (void)state;
    enum { TRACES_MOST = 100 };
    static Trace trace;
    const char *source = getenv("POND_SOURCE");
    double errors[TRACES_MOST];
    size_t count = 0, size;
    char *text = read_file(arena_printf(arena, "%s/tests/report/traces.tsv", source), &size);
    int id = -1;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *at = line;
        int number = (int)strtol(at, &at, 10);
        double predicted = strtod(at, &at), passed = strtod(at, &at), work = strtod(at, &at);
        if (number != id) trace.count = 0;
        id = number;
        trace.predicted_s = predicted;
        trace.at_s[trace.count] = passed;
        trace.work[trace.count++] = work;
        if (work < 1) continue;
        trace.end_s = passed;
        trace.count--;
        Judged judged = judge(&trace);
        assert_true(judged.jumps <= 1);
        assert_true(count < TRACES_MOST);
        if (judged.error >= 0) errors[count++] = judged.error;
    }
    double p50 = stats_quantile(errors, count, 0.5), p90 = stats_quantile(errors, count, 0.9);
    print_message("%zu recorded: p50 %.3f, p90 %.3f\n", count, p50, p90);
    assert_int_equal(count, 6);
    assert_true(p50 <= 0.15);
    assert_true(p90 <= 0.35);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simulated),
        cmocka_unit_test(test_stalled),
        cmocka_unit_test(test_knows_nothing),
        cmocka_unit_test(test_one_correction),
        cmocka_unit_test_setup_teardown(test_recorded, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
