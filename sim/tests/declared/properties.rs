//! Each kind of property: what holds, what is found where it does not, and what was never seen.

use expect_test::expect;
use libtest_mimic::Trial;

use super::{CLIENTS, LEASES, count, ends, leases, leases_of, trial, violation};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("properties", "what_holds", what_holds),
        trial("properties", "what_is_violated", what_is_violated),
        trial("properties", "never_seen", never_seen),
        trial("properties", "never_judged", never_judged),
        trial("properties", "never_judged_by_few", never_judged_by_few),
        trial("properties", "of_what_never_comes", of_what_never_comes),
        trial("properties", "errors", errors),
        trial("properties", "null_states", null_states),
        trial("properties", "cells", cells),
    ]
}

fn what_holds() {
    let out = ends(
        r#"
[properties.always]
always = "state.token > 0"
when = "changed"
[properties.never]
never = "event.tag == 'timer' && effects.size() > 1"
[properties.sometimes]
sometimes = "event.tag == 'renew' && changed"
[properties.eventually]
eventually = "state.holder == null"
[properties.at_most_once]
at_most_once = "sent.schema == 'lease/Granted@1'"
by = "sent.value.resource + ' ' + string(sent.value.token)"
[properties.absorbing]
absorbing = "state.token > 0"
unless = "changed || effects.size() > 0"
"#,
        0,
    );
    assert!(out.contains("\neverything holds\n"), "{out}");
    for property in ["always", "never", "eventually", "at_most_once"] {
        assert!(count(&out, &format!("{property} judged")) > 90, "{out}");
    }
    // A step by which it may go on is not judged, and others are.
    assert!(count(&out, "absorbing judged") > 0, "{out}");
}

fn what_is_violated() {
    let texts = [
        "always = \"state.token < 2\"\nsays = \"nobody has it twice\"",
        "always = \"state.token < 2\"",
        "never = \"event.tag == 'release' && changed\"",
        "eventually = \"state.holder != null\"",
        "at_most_once = \"event.tag == 'timer' && changed\"",
        "at_most_once = \"event.tag == 'timer' && changed\"\nby = \"'all'\"",
        "absorbing = \"state.token > 0\"\nunless = \"event.tag in ['renew', 'timer', 'acquire']\"",
    ];
    let told = texts.map(|text| violation(&ends(&format!("[properties.p]\n{text}\n"), 1)));
    expect![[r#"
          p at turn 2: nobody has it twice
            expected state.token < 2
            found    state.token = 2
          p at turn 2: always state.token < 2
            expected state.token < 2
            found    state.token = 2
          p at turn 1: never event.tag == 'release' && changed
            expected never: event.tag == 'release' && changed
            found    event.tag = "release", changed = true
          p at turn 2: eventually state.holder != null
            expected at rest: state.holder != null
            found    state.holder = null
          p at turn 3: at most once event.tag == 'timer' && changed
            expected at most once: event.tag == 'timer' && changed
            found    a second time for "acquire-1": event.tag = "timer", changed = true
          p at turn 3: at most once event.tag == 'timer' && changed
            expected at most once: event.tag == 'timer' && changed
            found    a second time for "all": event.tag = "timer", changed = true
          p at turn 1: for good state.token > 0
            expected for good: state.token > 0
            found    a step that changed something, from state.token = 1
    "#]]
    .assert_eq(&told.concat());
}

/// As few seeds as the file says are enough to ask for it.
fn never_seen() {
    let out = ends("[properties.p]\nsometimes = \"state.token > 1000\"\n", 5);
    assert!(
        out.contains("never seen: p: sometimes state.token > 1000\n"),
        "{out}"
    );
    assert!(!out.contains("no model says"), "{out}");
}

fn never_judged() {
    for kind in ["always", "never", "eventually", "at_most_once"] {
        let when = "when = \"state != null && state.token > 1000\"";
        let out = ends(
            &format!("[properties.p]\n{kind} = \"state.token > 0\"\n{when}\n"),
            5,
        );
        assert!(
            out.contains("never seen: p judged: p had something to say\n"),
            "{out}"
        );
    }
    let out = ends("[properties.p]\nabsorbing = \"state.token > 1000\"\n", 5);
    assert!(
        out.contains("never seen: p judged: p had something to say\n"),
        "{out}"
    );
}

/// The part of a condition that says what it is about counts as its `when`.
fn of_what_never_comes() {
    let conditions = [
        "never = \"event.tag == 'release' && state.token > 1000\"",
        "never = \"state.token > 1000 && (event.tag == 'release' && changed)\"",
        "never = \"!(event.tag != 'release' || state.token < 1000)\"",
        "always = \"event.tag != 'release' || state.token < 1000\"",
        "always = \"!(event.tag == 'release') || state.token < 1000\"",
        "always = \"!(event.tag == 'release' && state.token > 1000)\"",
        "always = \"event.tag == 'release' ? state.token < 1000 : true\"",
        "always = \"event.tag != 'release' ? true : state.token < 1000\"",
        "never = \"event.tag == 'release' && state.token > 1000\"\nwhen = \"now >= 0\"",
    ];
    for condition in conditions {
        let property = format!("[properties.p]\n{condition}\n");
        let out = ends(&property, 0);
        assert!(count(&out, "p judged") > 50, "{condition}: {out}");
        let text = format!("{LEASES}{CLIENTS}{property}");
        let (before, rest) = text.split_once("[clients.release]").expect("it is there");
        let (_, after) = rest.split_once("\n\n").expect("more follows");
        let said = leases_of(&format!("{before}{after}")).sim("run --world w --case-dir found");
        assert_eq!(said.code, 5, "{condition}: {}{}", said.out, said.err);
        let missed = "never seen: p judged: p had something to say\n";
        assert!(said.out.contains(missed), "{condition}: {}", said.out);
    }
    // A small world in which it never comes is not said to be complete either.
    let property = "[properties.p]\nnever = \"event.tag == 'timer' && state.token > 9\"\n";
    let explore = "explore --world w --requests 1 --spurious 0 --crashes 0 --duplicates 0";
    let said = leases(property).sim(explore);
    assert!(!said.out.contains("never seen: p judged"), "{}", said.out);
    let told = "\ntime goes on by timers alone here; sim run lets it go on by itself\n";
    assert!(said.out.contains(told), "{}", said.out);
    let said = leases(&property.replace("'timer'", "'renew'")).sim(explore);
    assert_eq!(said.code, 5, "{}{}", said.out, said.err);
    assert!(said.out.contains("never seen: p judged"), "{}", said.out);
    // Where nothing but the kind is said, that it never comes is what is asked.
    let found = "[properties.p]\nnever = \"event.tag == 'release' || event.tag == 'renew'\"\n";
    ends(found, 1);
}

/// A small campaign, of which nothing else is said, holds nothing by a property that said nothing.
fn never_judged_by_few() {
    let property = "[properties.p]\nnever = \"state.token == 0\"\nwhen = \"state.token > 1000\"\n";
    let text = format!("{LEASES}{CLIENTS}{property}").replace("seeds = 100\n", "");
    let place = leases_of(&text);
    for (seeds, code) in [(64, 5), (63, 0)] {
        let said = place.sim(&format!(
            "run --world w --seeds 0..{seeds} --case-dir found"
        ));
        assert_eq!(said.code, code, "{seeds} seeds: {}{}", said.out, said.err);
    }
}

fn errors() {
    let texts = [
        "[properties.p]\nalways = \"state.token / (state.token - state.token) == 1\"",
        "[properties.p]\nnever = \"event.acquire.holder == 'zoe'\"",
        "[properties.p]\nalways = \"each.n['nobody'] == 1\"\n[counters.n]\ncount = \"changed\"",
        "[properties.p]\nalways = \"state.token + 18446744073709551615u > 0\"",
        "[properties.p]\nalways = \"n < 9\"\nby = \"event.renew.holder\"\n\
        [counters.n]\ncount = \"changed\"",
        "[counters.n]\nsum = \"event.renew.token\"",
        "[counters.n]\nmax = \"state.holder\"",
    ];
    let told = texts.map(|text| {
        let out = ends(&format!("{text}\n"), 1);
        violation(&out)
    });
    expect![[r#"
          p at turn 0: always state.token / (state.token - state.token) == 1
            expected conditions that can be evaluated
            found    `state.token / (state.token - state.token) == 1`: Error executing function '/': division by zero
          p at turn 1: never event.acquire.holder == 'zoe'
            expected conditions that can be evaluated
            found    `event.acquire.holder == 'zoe'`: No such key: acquire
          p at turn 0: always each.n['nobody'] == 1
            expected conditions that can be evaluated
            found    `each.n['nobody'] == 1`: No such key: nobody
          p at turn 0: always state.token + 18446744073709551615u > 0
            expected conditions that can be evaluated
            found    `state.token + 18446744073709551615u > 0`: Error executing function '+': the result is past 64 bits
          p at turn 0: always n < 9
            expected conditions that can be evaluated
            found    `event.renew.holder`: No such key: renew
          counters at turn 0: the conditions of the counters can be evaluated
            expected the counter `n` can be kept
            found    `event.renew.token`: No such key: renew
          counters at turn 0: the conditions of the counters can be evaluated
            expected the counter `n` can be kept
            found    `state.holder`: it is no number
    "#]].assert_eq(&told.concat());
    // What must be seen is not seen by an error.
    ends("[properties.p]\nsometimes = \"state.token / 0 == 1\"\n", 5);
}

/// A condition that reads a state which is not there says nothing, unless it only compares it.
fn null_states() {
    let out = ends(
        r#"
[properties.reads]
always = "before.token < state.token || before.holder != state.holder"
when = "changed"
[properties.compares]
always = "before == null ? state.token == 1 : true"
[properties.comes]
sometimes = "before == null && state != null"
[properties.is_not_there]
sometimes = "before == null && state == null"
"#,
        1,
    );
    // A renewal changes nothing but the end.
    expect![[r#"
          reads at turn 1: always before.token < state.token || before.holder != state.holder
            expected before.token < state.token || before.holder != state.holder
            found    before.token = 1, state.token = 1, before.holder = "ann", state.holder = "ann"
    "#]]
    .assert_eq(&violation(&out));
}

fn cells() {
    let out = ends(
        r#"
[counters.grants]
count = "sent.schema == 'lease/Granted@1'"
[counters.all]
count = "sent.schema == 'lease/Granted@1'"
by = "'all'"
[properties.each]
always = "cells.all(c, c.state.token == each.grants[c.key])"
[properties.sums]
always = "sum(cells.map(c, c.state.token)) == all"
by = "'all'"
[properties.world]
always = "world['lease/Lease@1'] == cells"
[properties.in_order]
never = "cells.size() == 2 && cells[0].key.size() > cells[1].key.size()"
[properties.two]
sometimes = "cells.size() == 2"
[properties.whose]
always = "who == key && cells.exists(c, c.key == who) == (state != null)"
when = "event != null"
[properties.at_rest]
eventually = "cells.all(c, c.state.holder == null) && world['lease/Lease@1'].size() >= 0"
"#,
        0,
    );
    assert!(out.contains("\neverything holds\n"), "{out}");
}
