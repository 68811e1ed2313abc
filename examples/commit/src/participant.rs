//! `commit/Participant@1`, one cell for each branch of a transaction. It does its work, votes, and
//! follows the decision.
//!
//! It may abort on its own before it votes. After a yes it must wait for the decision.

use sdk::sys::TimerFired;
use sdk::{Input, Output, Refusal};

use crate::{Decided, Prepare, Voted, coordinator, is_over, set_timer};

/// The schema of its events.
pub const EVENT: &str = "commit/ParticipantEvent@1";

sdk::record! {
    /// `commit/Work@1`: starts the plan that does the work of a branch.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Work<'a> {
        pub tx: &'a str,
        pub branch: &'a str,
    }
}

sdk::record! {
    /// `commit/Worked@1`: the plan's answer.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Worked<'a> {
        pub tx: &'a str,
        pub branch: &'a str,
        pub ok: bool,
    }
}

sdk::variant! {
    /// `commit/ParticipantEvent@1`.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Event<'a> {
        Prepare(Prepare<'a>) = "prepare",
        Worked(Worked<'a>) = "worked",
        Decided(Decided<'a>) = "decided",
        Timer(TimerFired<'a>) = "timer",
    }
}

sdk::variant! {
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Pc { Working, Prepared, Committed, Aborted }
}

sdk::record! {
    /// `commit/ParticipantState@1`: the state of one branch.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct State<'a> {
        pub pc: Pc,
        pub tx: &'a str,
        pub branch: &'a str,
        pub until_ns: u64,
    }
}

pub fn step(input: &Input, output: &mut Output) -> Result<(), Refusal> {
    let before: Option<State> = input.state()?;
    match (input.event()?, before) {
        (Event::Prepare(prepare), None) => on_prepare(&prepare, output),
        (Event::Worked(worked), Some(state)) if is_of(&state, worked.tx, Pc::Working) => {
            vote(state, worked.ok, output);
        }
        (Event::Decided(decided), None) if !decided.commit => on_early_abort(&decided, output),
        (Event::Decided(decided), Some(state)) => on_decided(state, &decided, output),
        (Event::Timer(fired), Some(state)) => on_timer(state, &fired, output),
        _ => {}
    }
    Ok(())
}

fn is_of(state: &State, tx: &str, pc: Pc) -> bool {
    state.tx == tx && state.pc == pc
}

fn on_prepare(prepare: &Prepare, output: &mut Output) {
    let &Prepare {
        tx,
        branch,
        until_ns,
    } = prepare;
    output.state(&State {
        pc: Pc::Working,
        tx,
        branch,
        until_ns,
    });
    output.event("commit/Work@1", &Work { tx, branch });
    set_timer(output, until_ns, branch);
}

fn vote(state: State, yes: bool, output: &mut Output) {
    let pc = match yes {
        true => Pc::Prepared,
        false => Pc::Aborted,
    };
    output.state(&State { pc, ..state });
    let voted = Voted {
        tx: state.tx,
        branch: state.branch,
        yes,
    };
    output.event(coordinator::EVENT, &coordinator::Event::Voted(voted));
}

/// The abort overtook the request to prepare. Remember it, so that the work never starts.
fn on_early_abort(decided: &Decided, output: &mut Output) {
    output.state(&State {
        pc: Pc::Aborted,
        tx: decided.tx,
        branch: decided.branch,
        until_ns: 0,
    });
}

fn on_decided(state: State, decided: &Decided, output: &mut Output) {
    let pc = match decided.commit {
        true if is_of(&state, decided.tx, Pc::Prepared) => Pc::Committed,
        false if is_of(&state, decided.tx, Pc::Prepared) => Pc::Aborted,
        false if is_of(&state, decided.tx, Pc::Working) => Pc::Aborted,
        _ => return,
    };
    output.state(&State { pc, ..state });
}

fn on_timer(state: State, fired: &TimerFired, output: &mut Output) {
    // Planted: after its vote it does not wait for the decision.
    let impatient = cfg!(feature = "impatient") && state.pc == Pc::Prepared;
    if (state.pc == Pc::Working || impatient) && is_over(fired, state.until_ns, output) {
        vote(state, false, output);
    }
}
