/* What a guess and a prediction cost, with a state that is full (goal: below 2 µs each). */
#include "report/predict_int.h"
#include <stdio.h>

enum { TARGETS = 1000, ROUNDS = 1000 };

static Work work_of(uint64_t number)
{
    return (Work){.kind = (WorkKind)(number % WORK_KINDS),
                  .target = number * 7919 + 1,
                  .columns = number % 50 + (1 << 20),
                  .files = 12,
                  .rows_in = 1e6,
                  .cells_in = 5e6,
                  .bytes_in = 2e7,
                  .rows = 1e6,
                  .bytes = 2e7};
}

int main(void)
{
    SCRATCH(arena);
    Predictor *predictor = predictor_load(arena, NULL);
    static Work works[TARGETS];
    static Guess guesses[TARGETS];
    for (uint64_t i = 0; i < TARGETS; i++) {
        Prediction prediction;
        works[i] = work_of(i);
        predictor_guess(predictor, &works[i], &guesses[i]);
        WorkAll all = {i / 9, &works[i], &guesses[i], 1, 2, 1};
        predictor_time(predictor, &all, &prediction);
        Truth truth = {works[i].rows / 2, works[i].bytes / 2, 1};
        predictor_learn(predictor, &all, &prediction, &truth, 12, 1 + (double)(i * 37 % 100) / 50);
    }
    double sum = 0;
    int64_t begun_us = os_monotonic_us();
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < TARGETS; i++) {
            predictor_guess(predictor, &works[i], &guesses[i]);
            sum += guesses[i].busy_s;
        }
    double guess_us = (double)(os_monotonic_us() - begun_us) / TARGETS / ROUNDS;
    begun_us = os_monotonic_us();
    for (int round = 0; round < ROUNDS; round++) {
        Prediction prediction;
        WorkAll all = {TARGETS / 9 - 1, works, guesses, 1, 2, 1};
        predictor_time(predictor, &all, &prediction);
        sum += prediction.seconds;
    }
    double time_us = (double)(os_monotonic_us() - begun_us) / ROUNDS;
    printf("predict: %.3f us a guess, %.3f us a time (%s)\n", guess_us, time_us,
           sum > 0 ? "all above 0" : "none");
    return 0;
}
