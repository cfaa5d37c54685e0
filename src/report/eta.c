/* Two opinions on the whole time: the prediction, and the time since the work began by the part of
 * it that is done. Their logarithms are averaged; the second weighs done / (done + TRUST).
 *
 * What is shown follows with a will of its own: a time left that grows is first held (it stops
 * counting down); only when it is clearly too short is it corrected, once. After that it holds
 * until the truth has come down to it: to be wrong steadily is better than to flicker. */
#include "report/eta.h"
#include <math.h>

static const double TRUST = 0.02;       /* at this part of the work both opinions weigh the same */
static const double SEEN_LEAST = 0.01;  /* below, a rate is noise */
static const double CORRECT_FROM = 1.3; /* this much too short is worth the one correction */
static const double CORRECT_DONE = 0.1, PART_MOST = 0.99;

Eta eta_new(double predicted_s)
{
    return (Eta){.predicted_s = predicted_s > 0 ? predicted_s : 0};
}

/* The whole time as both opinions have it; 0: neither knows. */
static double whole_of(const Eta *eta, double now_s, double done)
{
    double seen_s = 0;
    if (done >= SEEN_LEAST) seen_s = eta->begun_s + (now_s - eta->begun_s) / done;
    if (seen_s <= 0) return eta->predicted_s;
    if (eta->predicted_s <= 0) return seen_s;
    double weight = done / (done + TRUST);
    return exp(weight * log(seen_s) + (1 - weight) * log(eta->predicted_s));
}

static void show_left(Eta *eta, double left_s, double done)
{
    bool corrects =
        !eta->has_corrected && done >= CORRECT_DONE && left_s > CORRECT_FROM * eta->left_s + 1;
    if (eta->has_left && left_s > eta->left_s && !corrects) return;
    if (corrects && eta->has_left) eta->has_corrected = true;
    eta->has_left = true;
    eta->left_s = left_s;
}

EtaView eta_update(Eta *eta, double now_s, double done)
{
    /* seen late, it began after the last time that it had not */
    if (!eta->has_work && done <= 0) eta->begun_s = now_s;
    if (done >= 0) eta->has_work = true;
    if (done > 1) done = 1;
    if (!(done >= 0)) done = 0;
    double whole_s = whole_of(eta, now_s, done);
    if (whole_s <= 0) return (EtaView){.part = eta->part, .left_s = -1};
    double left_s = whole_s - now_s, least_s = now_s * 0.02;
    if (left_s < least_s) left_s = least_s; /* later than predicted: soon, but not done */
    show_left(eta, left_s, done);
    double part = now_s / (now_s + eta->left_s);
    if (part > PART_MOST) part = PART_MOST;
    if (part > eta->part) eta->part = part;
    return (EtaView){.part = eta->part, .left_s = eta->left_s};
}
