#include "report.h"

#include "os/thread.h"

void report_begin(struct report *report)
{
    buf_init(&report->text, REPORT_BYTES_MAX);
    json_writer_init(&report->writer, &report->text);
    json_begin_object(&report->writer);
}

void report_number(struct report *report, const char *name, uint64_t number)
{
    json_key(&report->writer, name);
    json_put_i64(&report->writer, (int64_t)number);
}

void report_histogram(struct report *report, const char *name, const struct histogram *histogram)
{
    json_key(&report->writer, name);
    histogram_put(histogram, &report->writer);
}

void report_end(struct report *report)
{
    report_number(report, "cpu_us", (uint64_t)thread_cpu_us());
    json_end_object(&report->writer);
}

void report_print(const struct report *report)
{
    puts(buf_cstr(&report->text));
}

void report_clear(struct report *report)
{
    buf_clear(&report->text);
}
