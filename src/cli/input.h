/*
 * What a person gives a command, on its way into a request: files, standard input, and options as
 * members of JSON.
 */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "cli/session.h"

enum input_form {
    INPUT_TEXT,
    INPUT_NUMBER,
    INPUT_MILLISECONDS, /* of a duration */
    INPUT_TRUE,         /* of a switch */
    INPUT_FALSE,
    INPUT_JSON,    /* as it is */
    INPUT_TEXTS,   /* a repeatable option: an array */
    INPUT_HEADERS, /* a repeatable option, "Name: value": an object */
};

struct input_member {
    const char *option; /* its name */
    const char *member; /* of the JSON object */
    enum input_form form;
};

/* Appends a file, or standard input for "-". False: it failed and that was told. */
bool input_read(const char *path, struct buf *out);

/*
 * Writes the session's body: one object of what --file holds, if there is one, and of the options
 * that were given, which win. False: it failed and that was told.
 */
bool input_put_settings(struct session *session, const struct input_member *members,
                        size_t members_len);

/*
 * Writes the members for those of the options that were given into an object that the caller has
 * begun.
 */
bool input_put_members(struct session *session, const struct input_member *members,
                       size_t members_len);

#endif
