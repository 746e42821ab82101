// SPDX-License-Identifier: GPL-2.0
/* Compares the fields of the content with the inputs of one event. */
#include <linux/compiler.h>
#include <linux/string.h>

#include "sensor.h"

/* How the fields of one type are compared. */
struct kind {
	bool cheap;	/* short inputs: compared before the others */
	bool at_end;	/* the value is the end of the input, instead of all of it */
};

static const struct kind text = { false, false }, suffix = { false, true }, number = { true, false };
static const struct kind *const kinds[] = {
	[DEMO_SENSOR_TEXT] = &text, [DEMO_SENSOR_SUFFIX] = &suffix, [DEMO_SENSOR_NUMBER] = &number,
};

/*
 * Inlined so that a bad input faults in demo_sensor_match() itself, and read byte by byte so that
 * the fault is not in the kernel's strlen() or memcmp(): the oops names the function at fault.
 */
static __always_inline bool field_matches(const struct demo_sensor_field *field, const struct kind *kind,
					  const char *input)
{
	size_t length = 0, start, i;

	while (READ_ONCE(input[length]))
		length++;
	if (field->length > length)
		return false;
	start = kind->at_end ? length - field->length : 0;
	if (!kind->at_end && field->length != length)
		return false;
	for (i = 0; i < field->length; i++)
		if (input[start + i] != field->value[i])
			return false;
	return true;
}

/*
 * Whether every field of the content fits the event; cheap comparisons come first. A wildcard fits
 * anything and reads nothing: a content may declare more fields than there are inputs, and for as
 * long as the ones too many are wildcards nobody notices. Build 1.0 believes the content; later ones
 * never let such a content in (content.c), so the loop needs no check of its own.
 */
noinline bool demo_sensor_match(const struct demo_sensor_content *content, const char *const *inputs)
{
	unsigned int i;
	int cheap;

	for (cheap = 1; cheap >= 0; cheap--) {
		for (i = 0; i < content->count; i++) {
			const struct demo_sensor_field *field = &content->fields[i];
			const struct kind *kind = kinds[field->type];

			if (READ_ONCE(kind->cheap) != cheap || field->matcher == DEMO_SENSOR_WILDCARD)
				continue;
			if (!field_matches(field, kind, inputs[i]))
				return false;
		}
	}
	return true;
}
