/* Seats at each participant: a transaction scans them, and takes a free one only when fewer than a
 * certain number are taken; otherwise one becomes free. So never are more than that number taken: a
 * rule about a range, which only a lock on the range keeps, for two that take different seats touch
 * no common key. */
#ifndef ASSENT_TESTS_SIM_PLAN_SEATS_H
#define ASSENT_TESTS_SIM_PLAN_SEATS_H

#include "plan.h"

void plan_seats_draw(struct plan *plan, struct sim *sim);
struct tx_op plan_seats_op(struct plan *plan, const struct plan_op *from);
/* Of one that has committed: has it seen too many, or not what it has done itself? */
void plan_seats_judge(const struct plan *plan, struct sim *sim, struct tx_id id);
/* What is on the disks at the end. */
void plan_seats_end(struct sim *sim);

#endif
