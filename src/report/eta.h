/* report/eta — the time left, told while the work goes on: what was predicted and what is seen,
 * joined, the seen weighing more the more is done.
 *
 * Invariant: the part done never falls; the time left falls or stands, but for one correction
 * upwards in the life of an Eta; neither needs news to be asked again (a stalled job is told, too).
 * Threads: one at a time. No clock of its own: the caller says when it is. */
#pragma once
#include <stdbool.h>

typedef struct Eta {
    double predicted_s; /* from begin to end; 0: not known */
    double begun_s;     /* when the work began */
    double part, left_s;
    bool has_work, has_left, has_corrected;
} Eta;

typedef struct EtaView {
    double part;   /* 0 to 1, of the time */
    double left_s; /* < 0: not known yet */
} EtaView;

Eta eta_new(double predicted_s);
/* now_s: since the begin; done: part of the work, 0 to 1; < 0: it has not begun. */
EtaView eta_update(Eta *eta, double now_s, double done);
