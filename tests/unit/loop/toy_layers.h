/* Layers that are easy to follow. The cipher: K and k open it, then every byte has its highest bit
 * turned, 'q' says goodbye. The framing: "HI\n" each way opens it, then messages with a byte of
 * length before them; length 0 says goodbye. An 'X' where it does not belong breaks either. */
#ifndef UNIT_TOY_LAYERS_H
#define UNIT_TOY_LAYERS_H

#include "loop/layer.h"

extern const struct layer_type toy_cipher;
extern const struct layer_type toy_framing;

#endif
