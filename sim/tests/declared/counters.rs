//! What counters keep: each against what a reducer keeps itself, and against a number that is
//! wrong by one.

use libtest_mimic::Trial;

use super::{CLIENTS, LEASES, count, ends, leases_of, trial, violation};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("counters", "what_is_kept", what_is_kept),
        trial("counters", "begun_anew", begun_anew),
        trial("counters", "whose", whose),
        trial("counters", "in_order", in_order),
        trial("counters", "at_rest", at_rest),
        trial("counters", "of_the_cell_at_a_step", of_the_cell),
        trial("counters", "that_never_count", never_count),
        trial("counters", "of_nobody", of_nobody),
        trial("counters", "of_each_at_the_end_of_turns", of_each),
    ]
}

const GRANT: &str = "when = \"sent.schema == 'lease/Granted@1'\"";

/// Of each grant the token, which grows by one.
fn what_is_kept() {
    for (keeps, state) in [
        ("count = \"true\"", "state.token"),
        (
            "sum = \"sent.value.token\"",
            "state.token * (state.token + 1) / 2",
        ),
        ("max = \"sent.value.token\"", "state.token"),
        ("max = \"10 - sent.value.token\"", "9"),
        ("last = \"sent.value.token\"", "state.token"),
        ("first = \"sent.value.token\"", "1"),
    ] {
        for (wrong, code) in [("", 0), (" + 1", 1)] {
            let text = format!(
                "[counters.n]\n{keeps}\n{GRANT}\n\
                [properties.p]\nalways = \"n == {state}{wrong}\"\nwhen = \"changed\"\n"
            );
            ends(&text, code);
        }
    }
    // Before the first there is nothing, or null.
    for (keeps, none) in [
        ("sum", "0"),
        ("max", "0"),
        ("first", "null"),
        ("last", "null"),
    ] {
        let text = format!(
            "[counters.n]\n{keeps} = \"sent.value.token\"\n{GRANT}\n\
            [properties.p]\nalways = \"n == {none}\"\nwhen = \"before == null && !changed\"\n"
        );
        ends(&text, 0);
    }
}

/// A reset comes before the rest of the same moment.
fn begun_anew() {
    let acquired = "event.tag == 'acquire' && changed";
    let counter = format!("[counters.n]\ncount = \"{acquired}\"\n");
    let property = "[properties.p]\nalways = \"n == 1\"\nwhen = \"state != null\"\n";
    ends(&format!("{counter}{property}"), 1);
    ends(&format!("{counter}reset = \"{acquired}\"\n{property}"), 0);
}

/// By whom it is kept: the correlation, anything else, or all.
fn whose() {
    let holder = r#"
[counters.of_holder]
count = "sent.schema == 'lease/Granted@1'"
by = "sent.value.holder"
[counters.of_all]
count = "sent.schema == 'lease/Granted@1'"
by = "'all'"
[counters.of_resource]
count = "sent.schema == 'lease/Granted@1'"
[properties.both]
always = "of_all == sum(each.of_holder.map(it, each.of_holder[it]))"
by = "'all'"
[properties.resource]
always = "of_resource == state.token"
when = "state != null"
[properties.holder]
always = "of_holder > 0"
when = "event.tag == 'acquire' && changed"
by = "event.acquire.holder"
"#;
    ends(holder, 0);
    ends(&holder.replace("of_holder > 0", "of_holder > 1"), 1);
    ends(&holder.replace("by = \"event.acquire.holder\"\n", ""), 1);
}

/// Counters of one moment are kept in the order of the file; one that is read above its place is
/// as it was before.
fn in_order() {
    let text = r#"
[counters.was]
last = "is == null ? 0 : is"
when = "event != null"
[counters.is]
last = "state == null ? 0 : state.token"
[counters.grew]
last = "is - was"
when = "event != null"
[properties.p]
always = "is == was + grew && grew == (before == null ? state.token : state.token - before.token)"
when = "state != null"
"#;
    ends(text, 0);
    ends(&text.replace("is - was", "is - was + 1"), 1);
}

/// At rest a property with counters is judged of each correlation that one of them knows.
fn at_rest() {
    let text = r#"
[counters.grants]
count = "sent.schema == 'lease/Granted@1'"
[properties.p]
eventually = "grants > 0 && who != null"
"#;
    ends(text, 0);
    ends(&text.replace("grants > 0", "grants == 1"), 1);
    // Nobody has been granted more than a thousand: there is nobody to judge.
    ends(
        &text.replace(
            "'lease/Granted@1'",
            "'lease/Granted@1' && sent.value.token > 1000",
        ),
        5,
    );
}

/// A property of counters alone is about each of those who have something, and about nobody else.
fn of_each() {
    let grants = "[counters.grants]\ncount = \"sent.schema == 'lease/Granted@1'\"\n";
    let told = |property: &str, code: i32| {
        let out = ends(&format!("{grants}[properties.p]\n{property}\n"), code);
        assert!(count(&out, "p judged") > 50, "{property}: {out}");
        out
    };
    let out = told("always = \"grants < 2\"", 1);
    let found = violation(&out);
    assert!(found.contains("found    grants = 2"), "{found}");
    told("always = \"who != null && grants > 0\"", 0);
    told("always = \"grants < 2\"\nby = \"'nobody'\"", 0);
}

/// At a step in a cell it is the cell that is meant, also where a timer is called otherwise.
fn of_the_cell() {
    let property = "[properties.p]\nalways = \"who == key\"\nwhen = \"event.tag == 'timer'\"\n";
    let out = ends(&format!("{property}[faults]\nspurious = \"all\"\n"), 0);
    assert!(count(&out, "p judged") > 50, "{out}");
}

/// A counter that was never given anything is told, and nobody is asked to see it count.
fn never_count() {
    let counters = "[counters.grants]\ncount = \"sent.schema == 'lease/Granted@1'\"\n\
                    [counters.vast]\ncount = \"state.token > 100000\"\n";
    let out = ends(
        &format!("{counters}[properties.p]\nalways = \"grants >= vast\"\n"),
        0,
    );
    assert!(count(&out, "grants counted") > 50, "{out}");
    assert_eq!(count(&out, "vast counted"), 0, "{out}");
}

/// One that counts what nobody says the correlation of is not read where somebody is meant.
fn of_nobody() {
    let (clients, after) = CLIENTS.split_once("[correlation]").expect("it is there");
    let (_, campaign) = after.split_once("\n\n").expect("more follows");
    let run = |more: &str| {
        let text = format!("{LEASES}{clients}{campaign}{more}");
        leases_of(&text).sim("run --world w --case-dir found")
    };
    let grants = "[counters.grants]\ncount = \"sent.schema == 'lease/Granted@1'\"\n";
    let steps = "[counters.steps]\ncount = \"changed\"\n";
    for read in [
        "always = \"grants <= state.token\"",
        "always = \"grants <= steps\"",
    ] {
        let said = run(&format!("{grants}{steps}[properties.p]\n{read}\n"));
        assert_eq!(said.code, 2, "{read}: {}", said.out);
        let what = "`grants` is nobody's, and `p` reads it where somebody is meant";
        assert!(said.err.contains(what), "{}", said.err);
    }
    // What is nobody's too, or says whose, may read it.
    for read in [
        "always = \"grants >= 0\"",
        "always = \"grants >= 0 && sent.schema == 'lease/Granted@1'\"",
        "always = \"sum(each.grants.map(it, each.grants[it])) >= 0 && state.token > 0\"",
    ] {
        let said = run(&format!("{grants}[properties.p]\n{read}\n"));
        assert_eq!(said.code, 0, "{read}: {}{}", said.out, said.err);
    }
}
