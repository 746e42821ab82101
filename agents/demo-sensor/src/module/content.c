// SPDX-License-Identifier: GPL-2.0
/*
 * Reads a content file (format: README.md). Every build refuses what is not a content, is cut short or
 * was damaged; 1.0 alone does not look whether a content asks for more than the build supplies.
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "sensor.h"

#define MAGIC "DEMOSENS"
#define HEADER_SIZE 24
#define CHECKSUM_AT 20
#define FIELD_HEADER_SIZE 4
#define FORMAT_VERSION 1

/* Own readers, since the kernel's moved from asm/unaligned.h to linux/unaligned.h in 6.12. */
static u16 le16_at(const u8 *bytes)
{
	return bytes[0] | bytes[1] << 8;
}

static u32 le32_at(const u8 *bytes)
{
	return le16_at(bytes) | (u32)le16_at(bytes + 2) << 16;
}

/* CRC-32 as in zlib, a bit at a time: contents are small, and no other module is needed. */
u32 demo_sensor_checksum(u32 crc, const u8 *bytes, size_t size)
{
	size_t i;
	int bit;

	crc = ~crc;
	for (i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

/* Of a whole content, whose checksum's own place counts as zeros. */
static u32 checksum(const u8 *bytes, size_t size)
{
	static const u8 zeros[4];
	u32 crc = demo_sensor_checksum(0, bytes, CHECKSUM_AT);

	crc = demo_sensor_checksum(crc, zeros, sizeof(zeros));
	return demo_sensor_checksum(crc, bytes + HEADER_SIZE, size - HEADER_SIZE);
}

static bool check_envelope(const u8 *bytes, size_t size, char *why, size_t room)
{
	u32 wanted;

	if (size < HEADER_SIZE)
		scnprintf(why, room, "content is %zu bytes long, its header alone has %d", size, HEADER_SIZE);
	else if (memcmp(bytes, MAGIC, 8))
		scnprintf(why, room, "content starts with %8phN, wanted %8phN (%s)", bytes, MAGIC, MAGIC);
	else if (le16_at(bytes + 8) != FORMAT_VERSION)
		scnprintf(why, room, "content has format %u, build %s reads format %d",
			  le16_at(bytes + 8), DEMO_SENSOR_BUILD, FORMAT_VERSION);
	else if (le32_at(bytes + 16) != size)
		scnprintf(why, room, "content %u is %zu bytes long, its header says %u",
			  le32_at(bytes + 12), size, le32_at(bytes + 16));
	else if ((wanted = le32_at(bytes + CHECKSUM_AT)) != checksum(bytes, size))
		scnprintf(why, room, "content %u is damaged: checksum is %08x, its header says %08x",
			  le32_at(bytes + 12), checksum(bytes, size), wanted);
	else
		return true;
	return false;
}

static bool read_fields(struct demo_sensor_content *content, size_t size, bool checked, char *why, size_t room)
{
	size_t at = HEADER_SIZE;
	unsigned int i;

	for (i = 0; i < content->count; i++) {
		struct demo_sensor_field *field = &content->fields[i];

		if (size - at < FIELD_HEADER_SIZE)
			goto missing;
		field->type = content->bytes[at];
		field->matcher = content->bytes[at + 1];
		field->length = le16_at(content->bytes + at + 2);
		at += FIELD_HEADER_SIZE;
		if (size - at < field->length)
			goto missing;
		field->value = (const char *)content->bytes + at;
		at += field->length;
		if (!checked)
			field->type &= 3;	/* what the table in match.c has places for */
		else if (field->type < DEMO_SENSOR_TEXT || field->type > DEMO_SENSOR_NUMBER ||
			 field->matcher > DEMO_SENSOR_VALUE) {
			scnprintf(why, room, "content %u: field %u has type %u and matcher %u, which build %s does not know",
				  content->id, i + 1, field->type, field->matcher, DEMO_SENSOR_BUILD);
			return false;
		}
	}
	if (checked && at != size) {
		scnprintf(why, room, "content %u has %zu bytes after its last field", content->id, size - at);
		return false;
	}
	return true;
missing:
	scnprintf(why, room, "content %u declares %u fields, the file ends in field %u",
		  content->id, content->count, i + 1);
	return false;
}

/*
 * A wildcard past the inputs reads nothing and stays welcome (289 and 290 have one); a value past
 * the inputs would be compared with whatever comes after them.
 */
static bool check_bounds(const struct demo_sensor_content *content, char *why, size_t room)
{
	unsigned int i;

	if (DEMO_SENSOR_TRUSTS_COUNT)
		return true;
	for (i = DEMO_SENSOR_INPUTS; i < content->count; i++) {
		if (content->fields[i].matcher == DEMO_SENSOR_WILDCARD)
			continue;
		scnprintf(why, room, "content %u declares %u fields, build %s supplies %d",
			  content->id, content->count, DEMO_SENSOR_BUILD, DEMO_SENSOR_INPUTS);
		return false;
	}
	return true;
}

struct demo_sensor_content *demo_sensor_parse(const u8 *bytes, size_t size, bool checked, char *why, size_t room)
{
	struct demo_sensor_content *content;

	if ((checked || size < HEADER_SIZE) && !check_envelope(bytes, size, why, room))
		return NULL;
	content = kzalloc(sizeof(*content) + size, GFP_KERNEL);
	if (!content) {
		scnprintf(why, room, "no memory for a content of %zu bytes", size);
		return NULL;
	}
	memcpy(content->bytes, bytes, size);
	content->id = le32_at(bytes + 12);
	content->count = le16_at(bytes + 10);
	if (content->count > DEMO_SENSOR_MOST_FIELDS)
		scnprintf(why, room, "content %u declares %u fields, the format has at most %d",
			  content->id, content->count, DEMO_SENSOR_MOST_FIELDS);
	else if (read_fields(content, size, checked, why, room) && check_bounds(content, why, room))
		return content;
	kfree(content);
	return NULL;
}
