/*
 * Answers for a person: a list as a table, one thing as a line for each member.
 *
 * Everything goes to the session's output, and nothing at all with --json, where the answer itself
 * is the output. Texts are made harmless for a terminal on the way.
 */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "base/json.h"
#include "cli/session.h"

enum show_form {
    SHOW_PLAIN,
    SHOW_TIME, /* to the second */
};

/* member is a name; "health.state" is inside another; "url|address" the first that is not null. */
struct show_column {
    const char *title;
    const char *member;
    enum show_form form;
};

/* One row for each of items (an array), or `none` ("no channels") when it is empty. */
void show_list(struct session *session, struct json items, const struct show_column *columns,
               size_t columns_len, const char *none);

/* The member "items" of the newest answer, and how to go on when there are more. */
void show_page(struct session *session, const struct show_column *columns, size_t columns_len,
               const char *none);

/*
 * All members of an object, a line each; what is null is left out, and arrays of objects are left
 * to show_list.
 */
void show_object(struct session *session, struct json object);

/* One line: printf for texts that are known to be harmless. */
void show_line(struct session *session, const char *format, ...) PRINTF_LIKE(2, 3);

/*
 * A member as text without quotes and control characters, lent until the session's next show_text.
 * Empty when there is none.
 */
const char *show_text(struct json object, const char *member, struct buf *scratch);

#endif
