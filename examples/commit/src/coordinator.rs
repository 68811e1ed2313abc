//! `commit/Coordinator@1`, one cell for each transaction. It asks both branches and decides once.

use sdk::sys::TimerFired;
use sdk::{Input, Output, Refusal};

use crate::{Decided, Prepare, Voted, is_over, participant, set_timer};

/// The schema of its events.
pub const EVENT: &str = "commit/CoordinatorEvent@1";

/// How long it waits for votes.
pub const WAIT_NS: u64 = 5_000_000_000;

sdk::record! {
    /// `commit/Begin@1`: a client begins a transaction.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Begin<'a> {
        pub tx: &'a str,
        pub debit: &'a str,
        pub credit: &'a str,
        pub now_ns: u64,
    }
}

sdk::variant! {
    /// `commit/CoordinatorEvent@1`.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Event<'a> {
        Begin(Begin<'a>) = "begin",
        Voted(Voted<'a>) = "voted",
        Timer(TimerFired<'a>) = "timer",
    }
}

sdk::variant! {
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Pc { Waiting, Committed, Aborted }
}

sdk::record! {
    /// `commit/CoordinatorState@1`: the branches, and which of them have voted yes.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct State<'a> {
        pub pc: Pc,
        pub tx: &'a str,
        pub debit: &'a str,
        pub debit_yes: bool,
        pub credit: &'a str,
        pub credit_yes: bool,
        pub until_ns: u64,
    }
}

pub fn step(input: &Input, output: &mut Output) -> Result<(), Refusal> {
    let before: Option<State> = input.state()?;
    let waiting = before.filter(|state| state.pc == Pc::Waiting);
    match (input.event()?, waiting) {
        (Event::Begin(begin), _) if before.is_none() => on_begin(&begin, output),
        (Event::Voted(voted), Some(state)) => on_vote(state, &voted, output),
        (Event::Timer(fired), Some(state)) if is_over(&fired, state.until_ns, output) => {
            decide(state, false, output);
        }
        _ => {}
    }
    Ok(())
}

fn on_begin(begin: &Begin, output: &mut Output) {
    let &Begin {
        tx, debit, credit, ..
    } = begin;
    let until_ns = begin.now_ns.saturating_add(WAIT_NS);
    output.state(&State {
        pc: Pc::Waiting,
        tx,
        debit,
        debit_yes: false,
        credit,
        credit_yes: false,
        until_ns,
    });
    for branch in [debit, credit] {
        let prepare = Prepare {
            tx,
            branch,
            until_ns,
        };
        output.event(participant::EVENT, &participant::Event::Prepare(prepare));
    }
    set_timer(output, until_ns, tx);
}

/// A vote may be delivered twice, so the state records whose votes arrived, not how many.
fn on_vote(mut state: State, voted: &Voted, output: &mut Output) {
    if !voted.yes {
        return decide(state, false, output);
    }
    if cfg!(feature = "counted-twice") {
        // Planted: the second yes counts for the other branch, whoever sent it.
        state.credit_yes = state.debit_yes;
        state.debit_yes = true;
    } else {
        state.debit_yes |= voted.branch == state.debit;
        state.credit_yes |= voted.branch == state.credit;
    }
    match state.debit_yes && state.credit_yes {
        true => decide(state, true, output),
        false => output.state(&state),
    }
}

fn decide(state: State, commit: bool, output: &mut Output) {
    let pc = match commit {
        true => Pc::Committed,
        false => Pc::Aborted,
    };
    output.state(&State { pc, ..state });
    for branch in [state.debit, state.credit] {
        let decided = Decided {
            tx: state.tx,
            branch,
            commit,
        };
        output.event(participant::EVENT, &participant::Event::Decided(decided));
    }
}
