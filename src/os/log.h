/*
 * The log: one line of key=value an event on stderr, written whole by one write.
 *
 *   2026-02-03T10:20:30.123456Z level=warn event=channel_failing status=503 error="no answer"
 *
 * Values with spaces, quotes, '=', backslashes, control or direction characters or broken UTF-8 are
 * quoted and escaped (\" \\ \n \r \t \xHH), so a peer cannot forge a line. Never payloads, never
 * secrets.
 *
 * A line is at most 4,096 bytes, which is what a pipe takes whole when several write to it. A value
 * is cut after 512 bytes and then ends in "..."; pairs that do not fit any more are left out and
 * the line ends in cut=true.
 */
#ifndef OS_LOG_H
#define OS_LOG_H

#include "base/err.h"
#include "base/macro.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level level); /* LOG_INFO at first; any thread, any time */

/* "debug", "info", "warn" or "error"; ERR_INVALID for anything else. */
enum err log_level_parse(const char *word, enum log_level *out) MUST_CHECK;

/*
 * log_line(LOG_INFO, "served", "listen", address, "threads", "2", NULL): the event's name, then
 * key, value pairs ending in NULL. A NULL value leaves its pair out. Keys are literals of
 * lower-case letters and '_'. errno stays as it is.
 */
void log_line(enum log_level level, const char *event, ...) __attribute__((sentinel));

/*
 * Logs that the system refused a thing without which nothing can go on, and ends the process at
 * once: log_fatal("eventfd", errno).
 */
void log_fatal(const char *what, int error) __attribute__((noreturn));

/* A number as a value: log_line(LOG_INFO, "x", "count", LOG_NUMBER(n), NULL). Lives until the end
 * of that statement. */
struct log_number {
    char chars[24];
};
struct log_number log_number(long long number);
#define LOG_NUMBER(number) (log_number(number).chars)

#endif
