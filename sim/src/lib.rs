//! Deterministic simulation of WebAssembly state machines.
//!
//! A reducer is a pure state machine in wasm: `step(state, event) -> (state, events, effects)`.
//! Its bugs are orderings. This library finds them by machine, in the very binary that ships.
//!
//! # Bird's-eye view
//!
//! ```text
//!   seed · case file (a fuzz input is one) · liveness · explorer   the sources of choices
//!                     └── chooser ──┘                              one interface
//!                │
//! scenario ──► simulator ──► trace ──► properties ──► verdict
//!   ▲          kernel (AIR) · host (wasm)                │
//!   └── cases ◄─── shrink ◄── campaign ◄────────────────┘ ──► report
//! ```
//!
//! # A campaign
//!
//! ```
#![doc = include_str!("../tests/first_campaign.rs")]
//! ```
//!
//! # Code map
//!
//! Each crate may use those above it, and the compiler keeps it. They go by their short names here:
//! `sim::kernel` is the crate `sim_kernel`, in `sim/kernel`.
//!
//! - [`air`]: AIR v1 documents, values, expressions.
//! - [`host`]: the only crate that names wasmtime; it also rewrites wasm for coverage.
//! - `sim_record`: what a run is. [`random`]: seeds and streams. [`trace`]: what happened, and its
//!   digest. [`scenario`]: one run as plain data. [`interrupt`]: being asked to stop early.
//! - [`kernel`]: routing, triggers, plans, effect gate, journal, recovery; who sends what; and what
//!   stands for adapters, a file for each.
//! - [`model`]: what is known of a world: clients, answers, properties.
//! - [`declared`]: `sim.toml`, and the model of a world that is made of it.
//! - [`simulator`]: the loop.
//! - `sim_search`: many runs. [`campaign`]: many seeds. [`explore`]: every schedule of a small
//!   world, and a tour of some that differ in one thing. [`shrink`]: the shortest schedule that
//!   still fails in the same way. [`why`]: which of its turns matter. [`diff`]: two versions on the
//!   same decisions.
//! - [`cases`]: case files. Its `files` reads only regular files, up to a size.
//! - [`report`]: results: a run as a timeline, a campaign as events, and all that reads them.
//! - [`session`]: a finding, from the first sight to its case file.
//! - `sim`, this crate. [`worlds`]: those that come with the command; [`models`]: which world has
//!   which model. [`selftest`]: searches planted bugs, and has faults planted in the harness.
//!   [`testing`]: campaigns in tests of one's own.
//!   [`cli`]: the commands.
//!
//! Fuzzing is built on all of it and lies beside it, in `fuzz/lib`.
//!
//! # Choices that a reader may wonder at
//!
//! - The chooser gets the whole situation and answers with one decision, rather than a list of
//!   all that are enabled: to make the list cost more than to take the step. What is enabled is one
//!   rule all the same, `simulator::enabled`, from which choosers take what they need.
//! - Decisions name things in flight by label, request and place (`err` of `"r1"`, number 2), in
//!   case files and in memory: a schedule still means the same when others before it are gone.
//! - A decision is one type with two forms: texts and bytes in a scenario, ids in a trace. With
//!   texts in both, a step took 6 % more instructions and a transition of the explorer 7 %.
//! - Fresh wasm instances are taken for each chunk of seeds, not for each run: to make one costs
//!   as much as fifteen steps. A seed that fails is replayed on a fresh one before it is reported.
//!   Large campaigns have larger chunks, in which more steps are remembered.
//! - A trace holds ids of values, each of which is kept once ([`trace::Values`]). States, events
//!   and parameters recur all the time: to compare two is to compare two numbers, what was found
//!   out about one is found out once, and a transition that was met before is one look into a table
//!   of ids. Ids never show: what is hashed, shown or written down are the bytes.
//! - A campaign remembers transitions, one recall in 127 is taken again and compared, and
//!   `--no-memo` takes every step. A reducer that is not a function of its input is `pure`'s
//!   matter.
//! - Fuel bounds a guest, since it counts what the guest does: the same step ends at the same
//!   instruction everywhere. Epochs, the engine's other means, count time, and were no faster when
//!   measured (`cargo bench -p sim -- limits`).
//! - When a schedule is shrunk, a spurious event counts as the decisions by which an answer comes
//!   about: the shortest schedule would often be a row of spurious events, and the natural way to
//!   the same bug says more.
//! - Failures are known by a signature of the turn that went wrong ([`model::Signature`]),
//!   which holds what it violates, the arm, the kinds of state and what went out, and no counts:
//!   with a count in it, one bug of a limit would be a failure for each limit, and could not be
//!   shrunk to the smallest.
//! - A campaign shrinks after its seeds, from the simplest run of each signature: what was found is
//!   on disk by then, as a draft, and the simplest run takes the fewest attempts.
//! - A crash belongs to the event that is arriving: it happens before, between or after what that
//!   event leads to, and the kernel is rebuilt in the same turn. What is in flight lies outside the
//!   kernel and survives; open intents are asked for again, so that timers fire twice.
//! - An event that is routed by the schema of an arm is put into that arm at the step. The journal
//!   keeps it as it arrived, since plans and triggers listen to the same event as it is.
//! - The journal records plan steps, which AIR's does not need: here the environment takes them.
//!   A snapshot holds plans and open intents beside the states that its records tell.
//! - Silence keeps a plan where it is; it may answer later, and in the liveness phase answers ok.
//! - What clients send is decided by arm of a variant: it is what no receipt fills, no plan raises
//!   and no reducer emits. The last is in no document, so a few runs before a campaign show it.
//! - Values of a world that no model knows are also drawn from the constants of its documents and
//!   of its wasm: a URL that no grant covers would never get past the gate.
//! - The explorer varies one thing at a time, with one fault of each kind at most: all values with
//!   all faults would be as many states as there are of both, multiplied.
//! - The explorer goes on from states that were put aside, instead of running each schedule from
//!   its beginning: it uses the simulator, the kernel and the properties of campaigns as they are.
//!   A state is packed in some tens of bytes until it is expanded; then its key is left.
//! - The explorer takes each step that is new to it on a fresh instance, and again after others,
//!   more often for one step in 16, chosen by its bytes: an impure reducer then gives one output
//!   for any number of threads, and is reported. Steps recur so much that this costs next to
//!   nothing.
//! - The digest is XXH3 over one record a turn, in which values are their fingerprints, and a state
//!   is only where it changed: it tells runs apart, and guards against no forger, as SHA-256 did at
//!   half the cost of a run. The manifest's hash is not in it: a case keeps its digest when a
//!   document changes that makes no difference to the run.
//! - Results have two forms: a run is a timeline, in words, a campaign is events. Tables,
//!   the stepper, pages, JSON, JUnit and annotations read these and nothing else. Events own their
//!   form in JSON, which has a version of its own; a timeline is no format, and stays within.
//! - Figures follow failures, as what is last is what one sees in a terminal.
//! - A page's script is plain and its policy names it by hash: names in documents and cases are
//!   anybody's, and a page goes from hand to hand.
//! - What tries the pages in a browser is a crate beside this one that runs the command: its client
//!   takes as long to build as half of the engine, and would share features with it.
//! - Canonical CBOR has a writer, a transcoder and a reader of our own, on the path of every step.
//!   Of the envelope that comes from the guest we read the short heads, which are nearly all; the
//!   rest, and all that is wrong, is left to minicbor.
//! - Where the AIR text is silent (a join after a branch, the name of a grant in a policy), the
//!   choice is explained where it is made.
//!
//! # Invariants of the code
//!
//! - No clock, no ambient randomness and no hash-map order in the core: `clippy.toml` bans them.
//!   The only clock is read by `cli`, for the rate of a campaign.
//! - The kernel knows nothing of faults; the simulator draws nothing; observers read the trace
//!   and the documents, nothing else (`replays` also recovers a kernel of its own). Only a world's
//!   model knows its schemas; [`worlds`] lists the worlds that come with the command.
//! - Every chunk of seeds begins on fresh wasm instances, and chunks are cut alike for any number
//!   of threads: even what a reducer hides in its memory cannot make results depend on them.

#![warn(missing_docs)]

pub mod cli;
mod kits;
pub mod models;
pub mod selftest;
pub mod testing;
pub mod worlds;

pub use sim_air as air;
pub use sim_cases as cases;
pub use sim_declared as declared;
pub use sim_host as host;
pub use sim_kernel as kernel;
pub use sim_model as model;
pub use sim_record::{interrupt, marks, random, scenario, trace};
pub use sim_report as report;
pub use sim_search::{campaign, diff, explore, marking, shrink, why};
pub use sim_session as session;
pub use sim_simulator as simulator;
