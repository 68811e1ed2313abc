//! Goals: what must happen sometimes, or a campaign tested less than it claims.
//!
//! [`GOALS`] is the one list. A run reaches a goal or does not; a campaign counts the runs.

use super::retry::{History, Move};
use crate::trace::{Choice, Status, Turn};
use crate::workload::retry::wire::{Event, Pc};

/// Every goal of a campaign on the retry machine: its name, and what was seen.
pub const GOALS: [(&str, &str); 20] = [
    ("done_first_try", "a request was Done at its first attempt"),
    ("done_after_retry", "a request was Done after a retry"),
    (
        "done_in_backoff",
        "an ok arrived during a wait and ended it",
    ),
    (
        "failed_at_once",
        "a terminal error ended a request at its first attempt",
    ),
    (
        "failed_by_exhaustion",
        "a transient error at the last attempt ended a request",
    ),
    (
        "failed_without_retry",
        "a request with max_attempts 0 or 1 ran out of attempts",
    ),
    (
        "next_request",
        "a second request began after the end of the first",
    ),
    (
        "second_start_ignored",
        "a start during a request was ignored",
    ),
    (
        "restart_ignored",
        "a start of a request that had ended was ignored",
    ),
    ("end_absorbs", "an answer after the end was ignored"),
    (
        "duplicate_ignored",
        "a second copy of an answer was ignored",
    ),
    ("stray_ignored", "an event of another request was ignored"),
    ("reordered", "a message overtook an older one"),
    ("redelivered", "a dropped message was delivered after all"),
    ("timer_early", "a timer ended a wait before it was due"),
    ("timer_late", "a timer ended a wait after it was due"),
    (
        "timer_twice_ignored",
        "a timer fired a second time and was ignored",
    ),
    (
        "timer_out_of_order",
        "a timer fired before one that was due earlier",
    ),
    (
        "timer_error_accepted",
        "a receipt with status error or timeout ended a wait",
    ),
    ("delay_saturated", "a timer was set for the end of time"),
];

/// The goals that a run reached, as a set of indices into [`GOALS`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct GoalSet(u32);

impl GoalSet {
    fn reach(&mut self, name: &str) {
        let index = GOALS.iter().position(|(goal, _)| *goal == name);
        debug_assert!(index.is_some(), "`{name}` is not in the list of goals");
        self.0 |= index.map_or(0, |index| 1 << index);
    }

    pub fn contains(self, index: usize) -> bool {
        self.0 >> index & 1 == 1
    }
}

/// The goals that a decision alone reaches.
pub(super) fn of_turn(goals: &mut GoalSet, turn: &Turn) {
    match turn.choice {
        Choice::Deliver(_) if turn.remark.reordered => goals.reach("reordered"),
        Choice::Redeliver(_) => goals.reach("redelivered"),
        Choice::Fire { .. } if turn.remark.reordered => goals.reach("timer_out_of_order"),
        _ => {}
    }
}

/// The goals that a step of the machine reaches, before the history has recorded it.
pub(super) fn of_move(goals: &mut GoalSet, history: &History, turn: &Turn, step: &Move<'_>) {
    if step.is_ignored() {
        return ignored(goals, turn, step);
    }
    let Some(request) = &history.request else {
        return;
    };
    let ended = step.after.map(|state| state.pc).filter(|pc| pc.is_end());
    match (&step.event, ended) {
        (Event::Start(_), _) if step.pc().is_end() => goals.reach("next_request"),
        (Event::Ok { .. }, Some(Pc::Done)) => goals.reach(match (step.pc(), request.requested) {
            (Pc::Backoff, _) => "done_in_backoff",
            (_, 1) => "done_first_try",
            _ => "done_after_retry",
        }),
        (
            Event::Err {
                transient: false, ..
            },
            Some(Pc::Failed),
        ) if request.requested == 1 => {
            goals.reach("failed_at_once");
        }
        (
            Event::Err {
                transient: true, ..
            },
            Some(Pc::Failed),
        ) => {
            goals.reach("failed_by_exhaustion");
            if request.max_attempts <= 1 {
                goals.reach("failed_without_retry");
            }
        }
        (Event::Timer(_), _) => timer_accepted(goals, turn),
        _ => {}
    }
    if step.timers().any(|timer| timer.deliver_at_ns == u64::MAX) {
        goals.reach("delay_saturated");
    }
}

fn timer_accepted(goals: &mut GoalSet, turn: &Turn) {
    if turn.remark.early {
        goals.reach("timer_early");
    }
    if turn.remark.late {
        goals.reach("timer_late");
    }
    if matches!(
        turn.choice,
        Choice::Fire {
            status: Status::Error | Status::Timeout,
            ..
        }
    ) {
        goals.reach("timer_error_accepted");
    }
}

fn ignored(goals: &mut GoalSet, turn: &Turn, step: &Move<'_>) {
    let req_id = step.before.map(|state| state.req_id);
    match &step.event {
        Event::Start(_) if step.pc().is_end() => goals.reach("restart_ignored"),
        Event::Start(_) => goals.reach("second_start_ignored"),
        Event::Timer(_) if turn.remark.repeated => goals.reach("timer_twice_ignored"),
        Event::Ok { req_id: of } | Event::Err { req_id: of, .. } => {
            if req_id.is_some() && req_id != Some(*of) {
                goals.reach("stray_ignored");
            } else if step.pc().is_end() {
                goals.reach("end_absorbs");
            }
            if turn.remark.repeated {
                goals.reach("duplicate_ignored");
            }
        }
        Event::Timer(_) => {}
    }
}
