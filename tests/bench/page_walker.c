// SPDX-License-Identifier: Apache-2.0
// How fast a trace.dat can be read at all: maps it, decodes its sub-buffers where they lie, merges
// the CPUs by time, pairs works and fills histograms.  It believes its input, knows machines of 64
// bits and little endian only, and of trace.dat what `wqprof record` writes.  See side_by_side.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { kSlots = 1 << 20, kFunctions = 1 << 12, kMaxCpus = 4096 };  // powers of two
enum { kPageHeader = 16, kSectionHeader = 16, kBuffer = 3, kEventFormats = 18 };

// A CPU; `at` and `payload` are its next event.
struct Cpu {
  const uint8_t *page, *pages_end, *p, *end, *payload;
  uint64_t at;
};
// A work; a time is 0 where it was not seen, or has been counted.
struct Work {
  uint64_t work, queued, started;
};
// How many times took 2^i ns: from queued to started, and from started to ended.
struct Function {
  uint64_t function, latency[64], execution[64];
};
// An event: its id, and where its fields are.
struct Kind {
  uint64_t id, work, function;
};

static struct Cpu cpus[kMaxCpus];
static struct Work works[kSlots];
static struct Function functions[kFunctions];
static struct Kind queue, start, end;
static uint64_t page_size, cpu_count, events, paired, latency;

static uint64_t number(const uint8_t *at, size_t size) {
  uint64_t value = 0;
  memcpy(&value, at, size);
  return value;
}

// Steps to the next event of a CPU; after the last one its time is never.
static void step(struct Cpu *cpu) {
  while (1) {
    if (cpu->p == cpu->end) {
      if (cpu->page == cpu->pages_end) break;
      cpu->at = number(cpu->page, 8);
      cpu->p = cpu->page + kPageHeader;
      cpu->end = cpu->p + (number(cpu->page + 8, 4) & 0x3fffffff);  // above: marks of losses
      cpu->page += page_size;
      continue;
    }
    const uint64_t header = number(cpu->p, 4), type = header & 31, delta = header >> 5;
    cpu->payload = cpu->p += 4;
    if (type - 1 < 28) {
      cpu->at += delta;
      cpu->p += 4 * type;
      return;
    }
    if (type == 29 && delta == 0) {  // the rest of the page is empty
      cpu->p = cpu->end;
      continue;
    }
    const uint64_t word = number(cpu->p, 4);
    if (type == 31) cpu->at = (cpu->at & (uint64_t)31 << 59) | word << 27 | delta;
    if (type != 31)
      cpu->at += type == 30 ? (word << 27) + delta : type == 29 && delta == 1 ? 0 : delta;
    cpu->p += type >= 30 ? 4 : (word + 3) & ~3ull;
    cpu->payload += 4;
    if (type == 0) return;
  }
  cpu->at = UINT64_MAX;
}

static struct Work *work_at(const uint8_t *payload, const struct Kind *kind) {
  const uint64_t work = number(payload + kind->work, 8);
  uint64_t i = work * 0x9e3779b97f4a7c15u >> 44;
  while (works[i].work != 0 && works[i].work != work) i = (i + 1) % kSlots;
  works[i].work = work;
  return &works[i];
}

static struct Function *function_at(const uint8_t *payload, const struct Kind *kind) {
  const uint64_t function = number(payload + kind->function, 8);
  uint64_t i = function * 0x9e3779b97f4a7c15u >> 52;
  while (functions[i].function != 0 && functions[i].function != function) i = (i + 1) % kFunctions;
  functions[i].function = function;
  return &functions[i];
}

static int bucket(uint64_t ns) { return 63 - __builtin_clzll(ns | 1); }

static void take(uint64_t at, const uint8_t *payload) {
  const uint64_t id = number(payload, 2);
  ++events;
  if (id == queue.id) {
    work_at(payload, &queue)->queued = at;
  } else if (id == start.id) {
    struct Work *work = work_at(payload, &start);
    work->started = at;
    if (work->queued == 0) return;
    ++paired;
    latency += at - work->queued;
    ++function_at(payload, &start)->latency[bucket(at - work->queued)];
    work->queued = 0;
  } else if (id == end.id) {
    struct Work *work = work_at(payload, &end);
    if (work->started != 0) ++function_at(payload, &end)->execution[bucket(at - work->started)];
    work->started = 0;
  }
}

// Takes runs of events of one CPU, each up to the next event of any other.
static void merge(void) {
  while (1) {
    struct Cpu *first = &cpus[0];
    uint64_t others = UINT64_MAX;
    for (struct Cpu *cpu = &cpus[1]; cpu < &cpus[cpu_count]; ++cpu) {
      const uint64_t later = cpu->at < first->at ? first->at : cpu->at;
      if (cpu->at < first->at) first = cpu;
      if (later < others) others = later;
    }
    if (first->at == UINT64_MAX) return;
    for (int more = 1; more; more = first->at < others) {
      take(first->at, first->payload);
      step(first);
    }
  }
}

static uint64_t number_behind(const char *text, const char *first, const char *second) {
  const char *at = strstr(strstr(text, first), second);
  return strtoul(at + strlen(second), NULL, 10);
}

static struct Kind kind_of(const uint8_t *section, const char *name) {
  const char *text = memmem(section, number(section + 8, 8), name, strlen(name));
  return (struct Kind){number_behind(text, "ID:", ":"), number_behind(text, " work;", "offset:"),
                       number_behind(text, " function;", "offset:")};
}

static void read_option(const uint8_t *file, uint64_t id, const uint8_t *data) {
  if (id == kEventFormats) {
    const uint8_t *formats = file + number(data, 8);
    queue = kind_of(formats, "name: workqueue_queue_work\n");
    start = kind_of(formats, "name: workqueue_execute_start\n");
    end = kind_of(formats, "name: workqueue_execute_end\n");
  } else if (id == kBuffer) {
    data += 8 + strlen((const char *)data + 8) + 1;  // the name of an instance
    data += strlen((const char *)data) + 1;          // the clock
    page_size = number(data, 4);
    cpu_count = number(data + 4, 4);
    for (uint64_t i = 0; i < cpu_count; ++i) {
      const uint8_t *row = data + 8 + 20 * i;
      cpus[i].page = file + number(row + 4, 8);
      cpus[i].pages_end = cpus[i].page + number(row + 12, 8);
      step(&cpus[i]);
    }
  }
}

int main(int argc, char **argv) {
  struct stat stat;
  const int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
  if (fd < 0 || fstat(fd, &stat) != 0) return fprintf(stderr, "usage: page_walker TRACE.DAT\n"), 2;
  const uint8_t *file = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (file == MAP_FAILED || memcmp(file, "\x17\x08\x44tracing7\0\0\x08", 14) != 0 ||
      memcmp(file + 18, "none\0", 6) != 0) {
    return fprintf(stderr, "page_walker: no uncompressed trace.dat v7 of such a machine\n"), 1;
  }
  for (uint64_t at = number(file + 24, 8); at != 0;) {
    const uint8_t *option = file + at + kSectionHeader;
    for (; number(option, 2) != 0; option += 6 + number(option + 2, 4)) {
      read_option(file, number(option, 2), option + 6);
    }
    at = number(option + 6, 8);
  }
  merge();
  printf("%llu events, %llu paired, mean latency %llu ns\n", (unsigned long long)events,
         (unsigned long long)paired, (unsigned long long)(paired ? latency / paired : 0));
  for (const struct Function *f = functions; f < functions + kFunctions; ++f) {
    for (int i = 0; i < 64; ++i) {
      if (f->latency[i] + f->execution[i] == 0) continue;
      printf("%#llx 2^%d ns: %llu %llu\n", (unsigned long long)f->function, i,
             (unsigned long long)f->latency[i], (unsigned long long)f->execution[i]);
    }
  }
  return 0;
}
