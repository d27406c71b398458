/* What a node on an old image of its disk says, and who cannot know better.
 *
 * A copy is recognised by whoever knows its original at a later position. Nobody can miss what
 * nobody has known: a node that knows the original only from before the image takes the copy for
 * the original, and would refuse the original later (docs/protocol.md, "What this cannot catch").
 * So by default exactly the words that would be believed so are lost; everything else that the
 * copy says arrives, and none of it may do harm. */
#ifndef ASSENT_TESTS_SIM_IMAGE_H
#define ASSENT_TESTS_SIM_IMAGE_H

#include "sim.h"

/* A node has started; remembers the life of one that runs on an image. */
void sim_image_started(struct sim *sim, size_t node);
/* Comes this message from a copy, would its receiver believe it for want of better knowledge, and
 * do the options forbid that? */
bool sim_image_believed(const struct sim *sim, size_t from, size_t to,
                        const struct tx_envelope *envelope, const struct tx_msg *msg);

#endif
