//! What is refused of conditions, and of the counters and properties that are made of them.

use expect_test::expect;
use libtest_mimic::Trial;

use super::{refused, refused_after};
use crate::declared::{LEASES, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("refusals", "of_conditions", of_conditions),
        trial("refusals", "of_counters", of_counters),
        trial("refusals", "of_definitions", of_definitions),
        trial("refusals", "of_properties", of_properties),
    ]
}

/// Of what is defined, where it stands, and of what it means, where it is used.
fn of_definitions() {
    let twice = |name: &str, of: &str| format!("{name} = \"{of} && {of}\"\n");
    let many: String = (1..20)
        .map(|at| twice(&format!("d{at}"), &format!("d{}", at - 1)))
        .collect();
    let texts = [
        "[define]\nheld = \"state.holder !=\"\n[properties.p]\nalways = \"held\"",
        "[define]\nstate = \"1\"",
        "[define]\nin = \"1\"",
        "[define]\nheld = \"1\"\n[counters.held]\ncount = \"true\"",
        "[define]\na = \"b\"\nb = \"c || a\"\nc = \"true\"\nd = \"a\"",
        "[define]\na = \"a\"\n[properties.p]\nalways = \"a\"",
        "[define]\nheld = \"state.holdr != null\"\nfree = \"!held\"\n[properties.p]\nalways = \"free\"",
        "[define]\nheld = \"state.holder != null\"\n[properties.p]\nalways = \"hold\"",
        "[define]\nheld = \"state.holder\"\n[properties.p]\nalways = \"held == 1 && held.x\"",
        "[define]\ntoken = \"state.token\"\n[properties.p]\nalways = \"token\"",
        "[define]\nheld = \"state.token\"\n[properties.p]\nalways = \"cells.all(state, held > 0)\"",
        "[define]\nheld = \"it.token\"\n[properties.p]\nalways = \"cells.all(it, held > 0)\"",
        "[define]\nheld = 1",
        &format!("[define]\nd0 = \"true\"\n{many}[properties.p]\nalways = \"d1\""),
    ];
    refused_after(
        &texts,
        &expect![[r#"
        error: `held`: no condition: it ends too early, at 1:16 within it
          at w/sim.toml:6:8
        error: the definition of `held` cannot be read
          at w/sim.toml:8:10
        2 errors
        error: a definition cannot be called `state`
          at w/sim.toml:6:9
          hint: conditions have a variable of that name
        1 error
        error: a definition cannot be called `in`
          at w/sim.toml:6:6
          hint: a name is letters, digits and `_`, and no word of CEL
        1 error
        error: a definition cannot be called `held`
          at w/sim.toml:6:8
          hint: a counter has that name
        1 error
        error: `a` is defined by itself: a, b, a
          at w/sim.toml:6:5
        1 error
        error: `a` is defined by itself: a, a
          at w/sim.toml:6:5
        error: the definition of `a` cannot be read
          at w/sim.toml:8:10
        2 errors
        error: `held`, as it is defined: unknown field `holdr`
          at w/sim.toml:9:10
          hint: did you mean `holder`?
        1 error
        error: unknown variable `hold`
          at w/sim.toml:8:10
          hint: did you mean `held`?
        1 error
        error: unknown field `x`
          at w/sim.toml:8:10
          hint: it has no fields
        1 error
        error: it is a number, and neither true nor false
          at w/sim.toml:8:10
        1 error
        error: the loop's `state` hides the one that `held` reads: call it otherwise
          at w/sim.toml:8:10
        1 error
        error: the loop's `it` hides the one that `held` reads: call it otherwise
          at w/sim.toml:8:10
        1 error
        error: invalid type: integer `1`, expected a string
          at w/sim.toml:6:8
        error: `d14`: what is defined has more than 20000 parts in the place of its names
          at w/sim.toml:20:7
        error: `d15`: the definition of `d14` cannot be read
          at w/sim.toml:21:7
        error: `d16`: the definition of `d15` cannot be read
          at w/sim.toml:22:7
        error: `d17`: the definition of `d16` cannot be read
          at w/sim.toml:23:7
        error: `d18`: the definition of `d17` cannot be read
          at w/sim.toml:24:7
        error: `d19`: the definition of `d18` cannot be read
          at w/sim.toml:25:7
        6 errors
    "#]],
    );
}

/// Of a property that is always so.
fn of_conditions() {
    let texts = [
        "stat.token > 0",
        "state.tokin > 0",
        "event.tag == 'renw'",
        "event.tag in ['acquire', 'renw']",
        "siz(cells) == 1",
        "state.token > 0 && sent.value.token > 0",
        "state.token >",
        "state.token => 1",
        "",
        "state.token",
        "world['lease/Leese@1'].size() == 1",
    ];
    let texts = texts.map(|text| format!("{LEASES}[properties.p]\nalways = \"{text}\"\n"));
    refused(
        texts,
        &expect![[r#"
        error: unknown variable `stat`
          at w/sim.toml:6:10
          hint: did you mean `state`?
        1 error
        error: unknown field `tokin`
          at w/sim.toml:6:10
          hint: did you mean `token`?
        1 error
        error: it is never `renw`
          at w/sim.toml:6:10
          hint: did you mean `renew`?
        1 error
        error: it is never `renw`
          at w/sim.toml:6:10
          hint: did you mean `renew`?
        1 error
        error: unknown function `siz`
          at w/sim.toml:6:10
          hint: did you mean `size`?
        1 error
        error: `sent` and `state` are never there at the same moment
          at w/sim.toml:5:1
          hint: count one of them, and use the counter with the other
        1 error
        error: no condition: it ends too early, at 1:14 within it
          at w/sim.toml:6:10
        1 error
        error: no condition: token recognition error at: '=>', at 1:13 within it
          at w/sim.toml:6:10
        1 error
        error: no condition: it ends too early, at 1:1 within it
          at w/sim.toml:6:10
        1 error
        error: it is a number, and neither true nor false
          at w/sim.toml:6:10
        1 error
        error: unknown field `lease/Leese@1`
          at w/sim.toml:6:10
          hint: did you mean `lease/Lease@1`?
        1 error
    "#]],
    );
}

fn of_counters() {
    let texts = [
        "[counters.state]\ncount = \"changed\"",
        "[counters.a-b]\ncount = \"changed\"",
        "[counters.in]\ncount = \"changed\"",
        "[counters.n]\ncount = \"changed\"\nsum = \"1\"",
        "[counters.n]\ncount = \"now\"",
        "[counters.n]\nsum = \"event.tag\"",
        "[counters.n]\nmax = \"changed\"",
        "[counters.n]\ncount = \"m > 0\"",
    ];
    refused_after(
        &texts,
        &expect![[r#"
        error: a counter cannot be called `state`
          at w/sim.toml:5:1
          hint: conditions have a variable of that name
        1 error
        error: a counter cannot be called `a-b`
          at w/sim.toml:5:1
          hint: a name is letters, digits and `_`, and no word of CEL
        1 error
        error: a counter cannot be called `in`
          at w/sim.toml:5:1
          hint: a name is letters, digits and `_`, and no word of CEL
        1 error
        error: the counter `n` keeps one thing
          at w/sim.toml:5:1
          expected: one of `count`, `sum`, `first`, `last`, `max`
        1 error
        error: it is a number, and neither true nor false
          at w/sim.toml:6:9
        1 error
        error: it is a text, and no number
          at w/sim.toml:6:7
        1 error
        error: it is a bool, and no number
          at w/sim.toml:6:7
        1 error
        error: unknown variable `m`
          at w/sim.toml:6:9
          hint: there are event, before, state, key, emitted, effects, changed, effect, sent, receipt, now, who, cells, world, each, n
        1 error
    "#]],
    );
}

fn of_properties() {
    let texts = [
        "[properties.p]\nalways = \"changed\"\nnever = \"changed\"",
        "[properties.p]\nsays = \"nothing\"",
        "[properties.p]\nalways = \"changed\"\nunless = \"changed\"",
        "[properties.p]\nabsorbing = \"state.token > 0\"\nwhen = \"changed\"",
        "[properties.p]\nabsorbing = \"changed\"",
        "[properties.p]\neventually = \"event.tag == 'renew'\"",
        "[properties.p]\nof = \"lease/Leese@1\"\nalways = \"changed\"",
    ];
    refused_after(
        &texts,
        &expect![[r#"
        error: the property `p` says one thing
          at w/sim.toml:5:1
          expected: one of `always`, `never`, `sometimes`, `eventually`, `at_most_once`, `absorbing`
        1 error
        error: the property `p` says one thing
          at w/sim.toml:5:1
          expected: one of `always`, `never`, `sometimes`, `eventually`, `at_most_once`, `absorbing`
        1 error
        error: `unless` goes with `absorbing`
          at w/sim.toml:7:10
          hint: say it by `when`, or within the condition
        1 error
        error: `when` does not go with `absorbing`
          at w/sim.toml:7:8
          hint: say it within the condition, and by `unless` when a step may go on
        1 error
        error: `absorbing` is a condition over `state`
          at w/sim.toml:5:1
          hint: absorbing = "state.pc == 'Done'"; what may go on is said by `unless`
        1 error
        error: `eventually` is judged when nothing is in flight: there is no event then
          at w/sim.toml:5:1
          hint: it may read `state`, `key`, `cells`, `world`, `who` and counters
        1 error
        error: unknown reducer: `lease/Leese@1`
          at w/sim.toml:6:6
          expected: one of lease/Lease@1
          hint: did you mean `lease/Lease@1`?
        1 error
    "#]],
    );
}
