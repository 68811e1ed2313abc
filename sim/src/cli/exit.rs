//! The exit codes: the one list, from which the help is made.

use std::process::{ExitCode, Termination};

use sim_session::Settled;

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Everything that was looked at is right.
    Holds = 0,
    /// Something that must hold does not.
    Violation = 1,
    /// Nothing could be run of what was asked for.
    BadInput = 2,
    /// Two runs that should have been the same were not.
    Nondeterminism = 3,
    /// There was nothing to run, so nothing was tested.
    NothingRan = 4,
    /// Something that must be seen never was.
    NeverSeen = 5,
    /// A bound came before the end.
    Incomplete = 6,
    /// Results of some seeds of several machines are not there.
    Missing = 7,
    /// As a shell says of what Ctrl-C has ended.
    Interrupted = 130,
}

impl Exit {
    const ALL: [(Exit, &'static str); 9] = [
        (Exit::Holds, "everything holds"),
        (Exit::Violation, "an invariant is violated"),
        (
            Exit::BadInput,
            "bad input: arguments, documents, wasm or case files",
        ),
        (Exit::Nondeterminism, "the same run gave different results"),
        (
            Exit::NothingRan,
            "nothing ran: no seeds, no cases, or no decision was possible",
        ),
        (
            Exit::NeverSeen,
            "a `sometimes` property was never seen: the campaign tested less than it claims",
        ),
        (
            Exit::Incomplete,
            "a bound ended an exploration, a replay or most runs, and nothing was found until then",
        ),
        (
            Exit::Missing,
            "results of some seeds are missing, and nothing was found in the others",
        ),
        (
            Exit::Interrupted,
            "interrupted, and nothing was found until then",
        ),
    ];

    /// The worse of two: nondeterminism makes every other result worthless.
    pub fn or(self, other: Exit) -> Exit {
        let rank = |exit: Exit| match exit {
            Exit::Holds => 0,
            Exit::NothingRan => 1,
            Exit::NeverSeen => 2,
            Exit::Incomplete => 3,
            Exit::Missing => 4,
            Exit::Interrupted => 5,
            Exit::Violation => 6,
            Exit::BadInput => 7,
            Exit::Nondeterminism => 8,
        };
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
}

impl Exit {
    /// What a session found.
    pub fn of(settled: Settled) -> Exit {
        match (settled.differed, settled.violated) {
            (true, _) => Exit::Nondeterminism,
            (false, true) => Exit::Violation,
            (false, false) => Exit::Holds,
        }
    }

    /// What it says, as the help of the command has it.
    pub fn meaning(self) -> &'static str {
        let known = Exit::ALL.iter().find(|(exit, _)| *exit == self);
        known.map_or("", |(_, meaning)| meaning)
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

pub(super) fn help() -> String {
    let lines = Exit::ALL.map(|(exit, meaning)| {
        // A run that ends so says the first half of it.
        let of_diff = match exit {
            Exit::Violation => ", or two versions differ",
            _ => "",
        };
        format!("  {:>3}  {meaning}{of_diff}\n", exit as u8)
    });
    format!("Exit codes:\n{}", lines.concat())
}
