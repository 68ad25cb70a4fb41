/* Files of torch.save (.bin, .pt, .pth): a zip archive with a pickle and the tensors' bytes. The pickle is not run: a small
 * machine takes apart what a state dict is made of (containers, numbers, texts, tensors) and refuses everything else by name.
 * Nothing is copied; tensors stay in the caller's map. */
#ifndef RADZ_MODEL_STATE_DICT_H
#define RADZ_MODEL_STATE_DICT_H

#include "base/mem.h"
#include "model/safetensors.h"

bool state_dict_is(const void *data, size_t size); /* begins like a zip archive or a bare pickle */

typedef radz_status (*state_dict_visit)(void *context, const safetensors_entry *entry, radz_error *err);
/* Calls `visit` for every tensor; names (in `arena`) and `path` must outlive the entries. What the file holds is a dict of
 * tensors, or a checkpoint with such a dict under one of its keys (state_dict, model_state_dict, model). RADZ_E_FORMAT: not
 * the format, or cut off; RADZ_E_UNSUPPORTED: it wants something called that is not part of a tensor (named), it is older
 * than PyTorch 1.6, or it is compressed or big-endian. */
radz_status state_dict_read(const void *data, size_t size, const char *path, radz_arena *arena, state_dict_visit visit,
                            void *context, radz_error *err) RADZ_MUST_USE;

#endif
