//! A `sim.toml` from a stranger: long, nested deep. It is refused, or it is read; nothing panics,
//! and no stack ends.

use libtest_mimic::Trial;

use super::{LEASES, leases, leases_of, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("hostile", "conditions", conditions),
        trial("hostile", "tables", tables),
        trial("hostile", "deepest_that_is_read", deepest_that_is_read),
    ]
}

/// What is said of a text that is refused.
fn refused(text: &str) -> String {
    let said = leases_of(&format!("{LEASES}{text}\n")).sim("check w");
    let shown: String = text.chars().take(60).collect();
    assert_eq!(said.code, 2, "{shown}: {}", said.err);
    assert!(said.err.starts_with("error: "), "{shown}: {}", said.err);
    assert!(said.err.len() < 2_000, "{shown}: {}", said.err.len());
    said.err
}

fn nested(open: &str, within: &str, close: &str, times: usize) -> String {
    open.repeat(times) + within + &close.repeat(times)
}

fn conditions() {
    let long = "the condition is longer than 16384 bytes";
    let deep = "the condition is nested deeper than 100 levels";
    let loops = "more than 4 loops stand within each other";
    let work = "the loops take more than 1000000 steps each time";
    let all = [
        (nested("true || ", "true", "", 2_500), long),
        (nested("true || ", "true", "", 12_500), long),
        (nested("(", "true", ")", 50_000), long),
        (nested("(", "true", ")", 8_000), deep),
        (nested("[", "", "]", 8_000), deep),
        (nested("{1: ", "1", "}", 3_000), deep),
        (
            nested("1 + ", "1", " == 0", 1).replacen("1 + ", &"1 + ".repeat(4_000), 1),
            deep,
        ),
        (nested("now < 1 ? true : ", "true", "", 900), deep),
        (format!("world{}", ".a".repeat(8_000)), deep),
        (format!("cells{}", "[0]".repeat(5_000)), deep),
        (nested("cells.all(a, ", "true", ")", 1_000), deep),
        (nested("cells.all(a, ", "true", ")", 5), loops),
        (
            nested(&format!("[{}1].all(a, ", "1, ".repeat(300)), "true", ")", 4),
            work,
        ),
    ];
    for (condition, expected) in all {
        let text = format!("[properties.p]\nalways = \"{condition}\"");
        let said = refused(&text);
        assert!(said.contains(expected), "{expected}: {said}");
    }
    // The same in the conditions of answers.
    let condition = "1 + ".repeat(4_000);
    let answer = "[[answers.\"http.request\"]]\nname = \"ok\"\nreceipt.status.cel = ";
    assert!(refused(&format!("{answer}\"{condition}1\"")).contains(deep));
}

fn tables() {
    let client = "[clients.a]\nevent = \"lease/Event@1\"\narm = \"acquire\"\n";
    refused(&format!(
        "{client}fields = {}",
        nested("{a = ", "1", "}", 20_000)
    ));
    refused(&format!(
        "{client}fields.ttl_ms.one_of = {}",
        nested("[", "1", "]", 20_000)
    ));
    refused(&format!("{client}fields{} = 1", ".a".repeat(20_000)));
    refused(&format!("[a{}]\nb = 1", ".a".repeat(50_000)));
    refused(&format!(
        "[properties.\"{}\"]\nalwys = \"true\"",
        "a".repeat(1_000)
    ));
}

/// A condition that is nearly too deep is evaluated, on the threads of a campaign and an
/// exploration too.
fn deepest_that_is_read() {
    let sums = format!("{}0 == 90", "1 + ".repeat(90));
    let choices = format!("{}true", "now < 0 ? false : ".repeat(40));
    let loops = nested("cells.all(a, ", "true", ")", 4);
    let place = leases(&format!(
        "[properties.sums]\nalways = \"{sums}\"\n[properties.choices]\nalways = \"{choices}\"\n\
        [properties.loops]\nalways = \"{loops}\"\n[explore]\nrequests = 1\n"
    ));
    let said = place.sim("run --world w --case-dir found --seeds 0..100 --jobs 2");
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let said = place.sim("explore --world w --case-dir found --jobs 2");
    assert_eq!(said.code, 5, "{}{}", said.out, said.err);
    assert!(!said.out.contains("violat"), "{}", said.out);
}
