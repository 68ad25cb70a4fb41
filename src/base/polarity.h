/* The two sides of a prompt pair: a text that says a class is there, and one that says it is not. */
#ifndef RADZ_BASE_POLARITY_H
#define RADZ_BASE_POLARITY_H

typedef enum radz_polarity { RADZ_PROMPT_POSITIVE = 0, RADZ_PROMPT_NEGATIVE = 1 } radz_polarity;

#endif
