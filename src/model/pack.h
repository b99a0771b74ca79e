/*
 * Packing: the texts of a struct copied into the block of memory that the struct itself lies in.
 *
 * One block means one allocation to make and to free, and neighbours in the cache. Behind each text
 * stands a zero byte that does not count, so that it can be handed to a library as a C string.
 */
#ifndef MODEL_PACK_H
#define MODEL_PACK_H

#include "base/slice.h"

/* Room that pack_text needs for one text. */
size_t pack_text_bytes(struct slice text);

/* Copies text to *at, moves *at behind it, returns the copy. */
struct slice pack_text(char **at, struct slice text);

/* The same for all slices of a struct, named by their offsets: pack_texts makes each its copy. */
size_t pack_texts_bytes(const void *thing, const size_t *offsets, size_t offsets_len);
void pack_texts(char **at, void *thing, const size_t *offsets, size_t offsets_len);

#endif
