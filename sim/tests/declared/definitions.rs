//! Names for expressions that recur: what they stand for, wherever they are used.

use libtest_mimic::Trial;

use super::{documents_of, ends, trial, violation};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("definitions", "stand_for_expressions", expressions),
        trial("definitions", "of_work", of_work),
    ]
}

const DEFINE: &str = r#"
[define]
is_long = "renews && event.renew.ttl_ms > limit"
limit = "2000 + 500"
renews = "event.tag == 'renew'"
either = "false || true"
"#;

/// Whatever their order in the file; as a whole, and not as text.
fn expressions() {
    let text = format!(
        r#"{DEFINE}
[counters.long]
count = "is_long"
by = "string(limit)"
[properties.long]
sometimes = "is_long"
[properties.as_a_whole]
never = "either && false"
[properties.a_loop_has_its_own]
always = "[1, 2].exists(limit, limit == 2) && [limit].exists(it, it == limit)"
[properties.counted]
sometimes = "sum(each.long.map(it, each.long[it])) > 1 && 'x' + string(limit) == 'x2500'"
[properties.none]
never = "is_long"
"#
    );
    let out = ends(&text, 1);
    let told = violation(&out);
    assert!(told.contains("expected never: is_long"), "{told}");
    // What it was is told by what it stands for.
    assert!(told.contains("event.tag = \"renew\""), "{told}");
    assert!(told.contains("event.renew.ttl_ms = "), "{told}");
    ends(&text.replace("2000 + 500", "5000"), 5);
    ends(
        &text.replace("[properties.none]\nnever = \"is_long\"\n", ""),
        0,
    );
}

/// In answers, and in what services know again.
fn of_work() {
    let place = documents_of("sim/tests/fixtures/worlds/http");
    let text = r#"format = "sim/1"
[clients.start]
event = "demo/RetryEvent@1"
arm = "start"
fields.req_id = { fresh = "r" }
fields.max_attempts = 3
[define]
whose = "params.headers['x-request']"
is_first = "whose == 'r1'"
answered = "receipt.kind == 'http.request'"
[[answers."http.request"]]
name = "fine"
receipt = { status = { cel = "is_first ? 200 : 201" } }
[[answers."http.request"]]
name = "refused"
receipt = { status = 404 }
when = "is_first"
[same]
"http.request" = "whose"
[correlation]
"http.request" = "headers.x-request"
[counters.said]
first = "receipt.value.status"
when = "answered"
[properties.p]
always = "receipt.value.status in (who == 'r1' ? [200, 404] : [201]) && receipt.value.status == said"
when = "answered"
[campaign]
seeds = 200
"#;
    let run = |text: &str| {
        place.write("w/sim.toml", text);
        place.sim("run --world w --case-dir found")
    };
    for (from, to, code) in [
        ("", "", 0),
        ("is_first = \"whose ==", "is_first = \"whose !=", 1),
        ("whose\"\n[corr", "params.url + string(1 / 0)\"\n[corr", 1),
    ] {
        let said = run(&text.replace(from, to));
        assert_eq!(said.code, code, "{to}: {}{}", said.out, said.err);
    }
}
