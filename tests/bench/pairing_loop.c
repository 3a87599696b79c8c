// SPDX-License-Identifier: Apache-2.0
// The least that a program of one's own does with libtracecmd: pairs each start of a work with the
// queueing before it, and tells the mean latency.  See tests/bench/side_by_side.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trace-cmd.h>

enum { kSlots = 1 << 20 };  // a power of two

// A work, and when it was queued; 0: not, or it has started.
struct Slot {
  uint64_t work, queued;
};

static struct Slot slots[kSlots];
static struct tep_format_field *queue_work, *start_work;
static int queue_id, start_id;
static uint64_t events, paired, latency;

static struct Slot *slot_of(uint64_t work) {
  uint64_t i = work * 0x9e3779b97f4a7c15u >> 44;
  while (slots[i].work != 0 && slots[i].work != work) i = (i + 1) % kSlots;
  slots[i].work = work;
  return &slots[i];
}

static int take(struct tracecmd_input *input, struct tep_record *record, int cpu, void *tep) {
  (void)input, (void)cpu;
  const int id = tep_data_type(tep, record);
  unsigned long long work;
  ++events;
  if (id == queue_id && tep_read_number_field(queue_work, record->data, &work) == 0) {
    slot_of(work)->queued = record->ts;
  } else if (id == start_id && tep_read_number_field(start_work, record->data, &work) == 0) {
    struct Slot *slot = slot_of(work);
    if (slot->queued == 0) return 0;
    ++paired;
    latency += record->ts - slot->queued;
    slot->queued = 0;
  }
  return 0;
}

static struct tep_format_field *work_of(struct tep_handle *tep, const char *name, int *id) {
  struct tep_event *event = tep_find_event_by_name(tep, "workqueue", name);
  struct tep_format_field *field = event ? tep_find_field(event, "work") : NULL;
  if (field == NULL) {
    fprintf(stderr, "pairing_loop: no event %s\n", name);
    exit(1);
  }
  *id = event->id;
  return field;
}

int main(int argc, char **argv) {
  struct tracecmd_input *input =
      argc == 2 ? tracecmd_open(argv[1], TRACECMD_FL_LOAD_NO_PLUGINS) : NULL;
  if (input == NULL) {
    fprintf(stderr, "usage: pairing_loop TRACE.DAT\n");
    return 2;
  }
  struct tep_handle *tep = tracecmd_get_tep(input);
  queue_work = work_of(tep, "workqueue_queue_work", &queue_id);
  start_work = work_of(tep, "workqueue_execute_start", &start_id);
  if (tracecmd_iterate_events(input, NULL, 0, take, tep) != 0) return 1;
  printf("%llu events, %llu paired, mean latency %llu ns\n", (unsigned long long)events,
         (unsigned long long)paired, (unsigned long long)(paired ? latency / paired : 0));
  return 0;
}
