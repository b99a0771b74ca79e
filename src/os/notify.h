/*
 * Telling the service manager: systemd's sd_notify protocol, a datagram to $NOTIFY_SOCKET. Nothing
 * happens without one.
 *
 * status is one line for a person, shown by systemctl status; it may be NULL in notify_ready.
 */
#ifndef OS_NOTIFY_H
#define OS_NOTIFY_H

void notify_ready(const char *status);
void notify_status(const char *status);
void notify_stopping(void);

#endif
