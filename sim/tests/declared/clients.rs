//! What clients send, and which faults there are.

use libtest_mimic::Trial;

use super::{CLIENTS, LEASES, count, ends, leases_of, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("clients", "values", values),
        trial("clients", "ids", ids),
        trial("clients", "time", time),
        trial("clients", "late", late),
        trial("clients", "how_often", how_often),
        trial("clients", "faults_off", faults_off),
        trial("clients", "spurious", spurious),
    ]
}

/// Nothing is sent twice, and nothing by nobody.
const AS_SENT: &str = "[faults]\nsecond_start = false\nspurious = false\n";

fn values() {
    let text = format!(
        r#"{AS_SENT}
[properties.range]
always = "event.renew.token in [1, 2, 3] && event.renew.ttl_ms >= 1 && event.renew.ttl_ms <= 5000"
when = "event.tag == 'renew'"
[properties.one_of]
always = "event.value.holder in ['ann', 'bob']"
when = "event.tag != 'timer'"
[properties.now]
always = "event.value.now_ns == now"
when = "event.tag in ['acquire', 'renew']"
[properties.late]
sometimes = "event.tag == 'renew' && event.renew.now_ns > 0"
[properties.least]
sometimes = "event.tag == 'acquire' && event.acquire.ttl_ms == 1"
[properties.most]
sometimes = "event.tag == 'acquire' && event.acquire.ttl_ms == 5000"
"#
    );
    ends(&text, 0);
    ends(&text.replace("[1, 2, 3]", "[1, 2]"), 1);
    ends(&text.replace("['ann', 'bob']", "['ann']"), 1);
    ends(&text.replace("now_ns == now", "now_ns < now"), 1);
}

/// Time goes on by what matters without a timer: to an instant that a state names and beside it, by
/// parts of a second, and by days.
fn time() {
    let times = [
        "event.value.now_ns == before.until_ns",
        "event.value.now_ns == before.until_ns + 1",
        "event.value.now_ns + 1 == before.until_ns",
        "now % 1000000000 > 500000000 && now < 1000000000",
        "now % 1000000 > 0 && now % 1000 > 0",
        "now > 86400000000000",
        "now > 3600000000000 && now < 86400000000000",
    ];
    let when = "event.tag == 'acquire' && before != null && before.holder != null";
    let properties = times.iter().enumerate().map(|(number, time)| {
        format!("[properties.p{number}]\nsometimes = \"{when} && {time}\"\n")
    });
    // By a span that the file counts with, from a time that the state has.
    let span = "event.tag == 'acquire' && before != null && now == before.until_ns + 7654321000000";
    let properties = properties.chain([format!("[properties.span]\nsometimes = \"{span}\"\n")]);
    let properties: String = properties.collect();
    let text = format!("{LEASES}{CLIENTS}{AS_SENT}{properties}").replace("= 100\n", "= 20000\n");
    let said = leases_of(&text).sim("run --world w --case-dir found");
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}

/// A message that was long under way tells the time at which it was sent: none is of later, some are
/// of now, some are older than what came before them.
fn late() {
    let seen = "event.tag == 'renew' && before != null && before.holder != null";
    let properties = format!(
        r#"[properties.none_of_later]
always = "event.value.now_ns <= now"
when = "event.tag in ['acquire', 'renew']"
[properties.at_once]
sometimes = "{seen} && now > 0 && event.renew.now_ns == now"
[properties.older]
sometimes = "{seen} && event.renew.now_ns < asked_ns"
[counters.asked_ns]
last = "event.acquire.now_ns"
when = "event.tag == 'acquire'"
"#
    );
    let text = format!("{LEASES}{CLIENTS}{AS_SENT}{properties}").replace("= 100\n", "= 2000\n");
    let late = text.replace("now = true", "now = \"late\"");
    for (text, code) in [(late, 0), (text, 5)] {
        let said = leases_of(&text).sim("run --world w --case-dir found");
        assert_eq!(said.code, code, "{}{}", said.out, said.err);
    }
}

/// Those that are new, also where they are nearly equal, and those that are known.
fn ids() {
    let text = format!(
        r#"{LEASES}
[campaign]
seeds = 400
requests = 6
{AS_SENT}
[clients.acquire]
event = "lease/Event@1"
arm = "acquire"
fields.resource = {{ fresh = "resource" }}
[clients.release]
event = "lease/Event@1"
arm = "release"
fields.resource = {{ known = "resource" }}
[counters.acquired]
count = "event.tag == 'acquire'"
[properties.new]
at_most_once = "event.tag == 'acquire'"
[properties.two]
sometimes = "cells.size() > 2"
[properties.known]
sometimes = "event.tag == 'release' && before != null"
"#
    );
    let ends = |text: &str, code| {
        let said = leases_of(text).sim("run --world w --case-dir found");
        assert_eq!(said.code, code, "{text}\n{}{}", said.out, said.err);
        said.out
    };
    let text = text.replace(
        "format = \"sim/1\"",
        "format = \"sim/1\"\nexpect = [\"unaccepted=release\"]",
    );
    ends(&text, 0);
    ends(&text.replace("fresh =", "any ="), 1);
    ends(&text.replace("known =", "fresh ="), 5);
}

fn how_often() {
    let text = format!(
        "{AS_SENT}[counters.n]\ncount = \"event.tag == 'renew'\"\nby = \"'all'\"\n\
        [properties.p]\nalways = \"n <= 1\"\nby = \"'all'\"\n"
    );
    let clients = super::CLIENTS;
    let campaign = |clients: &str, code| {
        let place = leases_of(&format!("{LEASES}{clients}{text}"));
        let expected = "--expect unaccepted=renew --expect unaccepted=release";
        let said = place.sim(&format!("run --world w --case-dir found {expected}"));
        assert_eq!(said.code, code, "{}{}", said.out, said.err);
        said.out
    };
    campaign(clients, 1);
    let once = clients.replace("weight = 20", "most = 1");
    let out = campaign(&once, 0);
    assert!(out.starts_with("100 seeds, "), "{out}");
    let none = clients.replace("weight = 20", "weight = 0");
    let never = "[properties.none]\nnever = \"event.tag == 'renew'\"\n";
    campaign(&format!("{none}{never}"), 0);
    // Of as many as there may be.
    let requests = |most: u32| {
        let clients = once.replace("seeds = 100", &format!("seeds = 100\nrequests = {most}"));
        count(&campaign(&clients, 0), "start")
    };
    assert!(requests(1) * 2 < requests(20));
}

/// Kinds of fault that are off never happen; all are on otherwise. (Timers are late without their
/// fault, too: others take time.)
fn faults_off() {
    let off = [
        (
            "crash",
            [
                "crash before the append",
                "crash after the append",
                "crash before dispatch",
            ],
        ),
        ("spurious", ["spurious event"; 3]),
        ("duplicate", ["message duplicated"; 3]),
        ("drop", ["message dropped"; 3]),
        // A message that is sent again comes after others, too.
        (
            "redeliver = false\nduplicate = false\ndrop = false\nreorder",
            ["message reordered"; 3],
        ),
        ("timer_early", ["timer early"; 3]),
        // After a crash timers are set again.
        ("crash = false\ntimer_twice", ["timer twice"; 3]),
        ("timer_status", ["timer error or timeout"; 3]),
    ];
    let all = ends("", 0);
    for (fault, names) in off {
        let out = ends(&format!("[faults]\n{fault} = false\n"), 0);
        for name in names {
            assert!(count(&all, name) > 0, "{name}: {all}");
            assert_eq!(count(&out, name), 0, "{name}: {out}");
        }
    }
}

/// Events that nobody sent: those of clients if there are some, or those that are named.
fn spurious() {
    let campaign = |spurious: &str| {
        let text = format!(
            r#"{LEASES}
[clients.acquire]
event = "lease/Event@1"
arm = "acquire"
fields.resource = {{ any = "resource" }}
{spurious}
[properties.renew]
sometimes = "event.tag == 'renew'"
[properties.release]
sometimes = "event.tag == 'release'"
"#
        );
        let said = leases_of(&text).sim("run --world w --case-dir found --seeds 0..100");
        assert!([0, 5].contains(&said.code), "{}{}", said.out, said.err);
        let seen = ["renew", "release"].map(|arm| count(&said.out, arm) > 0);
        (count(&said.out, "spurious event") > 0, seen)
    };
    assert_eq!(campaign(""), (true, [false, false]));
    assert_eq!(
        campaign("[faults]\nspurious = \"clients\""),
        (true, [false, false])
    );
    assert_eq!(
        campaign("[faults]\nspurious = \"none\""),
        (false, [false, false])
    );
    assert_eq!(
        campaign("[faults]\nspurious = \"all\""),
        (true, [true, true])
    );
    assert_eq!(
        campaign("[faults]\nspurious = [\"renew\"]"),
        (true, [true, false])
    );
    let of_arm = "[faults]\nspurious = [\"lease/Event@1/release\"]";
    assert_eq!(campaign(of_arm), (true, [false, true]));
}
