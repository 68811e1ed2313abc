//! What the loader refuses: one edit of the base world for each check, and the report it gets.
//!
//! A report is told from another by its first words, its place and its hint, so the whole text is
//! kept. The base world itself loads (`worlds::base`), so every report here is the edit's doing.

use std::fmt::Write;

use expect_test::{Expect, expect};
use libtest_mimic::Trial;
use sim::air::{Source, load};

use super::{BASE, base, edited, source, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("refusals::texts", texts),
        trial("refusals::names", names),
        trial("refusals::hashes", hashes),
        trial("refusals::schemas", schemas),
        trial("refusals::modules", modules),
        trial("refusals::steps_and_edges", steps_and_edges),
        trial("refusals::expressions", expressions),
        trial("refusals::effects_of_plans", effects_of_plans),
        trial("refusals::capabilities", capabilities),
        trial("refusals::routing", routing),
        trial("refusals::as_in_agent_os", as_in_agent_os),
        trial("refusals::cells", cells),
        trial("refusals::enforcers", enforcers),
        trial("refusals::types", types),
        trial("refusals::all_problems_at_once", all_at_once),
        trial("refusals::control_characters", control_characters),
        trial("refusals::depth_and_size", depth_and_size),
    ]
}

/// The reports of worlds that are each the base world with one piece of text replaced.
fn check(edits: &[(&str, &str)], expected: &Expect) {
    let mut found = String::new();
    for (from, to) in edits {
        let _ = writeln!(found, "# {to}\n{}", report(&edited(&[(*from, *to)])));
    }
    expected.assert_eq(&found);
}

fn report(sources: &[Source]) -> String {
    match load(sources) {
        Ok(_) => panic!("the world was accepted:\n{}", sources[0].text),
        Err(diagnostics) => diagnostics.to_string(),
    }
}

fn texts() {
    let refused = |text: &str| report(&source(text));
    let found = [
        "",
        "[",
        "{\"$kind\": 1}",
        "[1]",
        "{\"$kind\": \"defschema\", \"$kind\": \"defcap\"}",
        "{} {}",
        "{\"a\": 1,}",
        "// no\n{}",
        "{'a': 1}",
        "{\"$kind\": \"defschemo\"}",
        "nul",
    ]
    .map(|text| format!("# {text}\n{}\n", refused(text)))
    .concat();
    expect![[r##"
        # 
        not JSON: EOF while parsing a value
          at world.air.json:1:1
        # [
        not JSON: EOF while parsing a list
          at world.air.json:1:1
        # {"$kind": 1}
        no manifest
          at world.air.json:1:1
          expected: one document with `"$kind": "manifest"` among the files
          hint: the documents of a world are loaded together, from one folder
        unknown `$kind`: the number 1
          at world.air.json:1:11 (/$kind)
          expected: one of defschema, defmodule, defplan, defcap, defeffect, defpolicy, defsecret, manifest
        # [1]
        no manifest
          at world.air.json:1:1
          expected: one document with `"$kind": "manifest"` among the files
          hint: the documents of a world are loaded together, from one folder
        a document is an object, not the number 1
          at world.air.json:1:2 (/0)
        # {"$kind": "defschema", "$kind": "defcap"}
        defschema lacks the field `name`
          at world.air.json:1:1
        defschema lacks the field `type`
          at world.air.json:1:1
        no manifest
          at world.air.json:1:1
          expected: one document with `"$kind": "manifest"` among the files
          hint: the documents of a world are loaded together, from one folder
        the field `$kind` is here twice
          at world.air.json:1:24 (/$kind)
        # {} {}
        not JSON: trailing characters
          at world.air.json:1:4
        # {"a": 1,}
        not JSON: key must be a string
          at world.air.json:1:9
        # // no
        {}
        not JSON: expected value
          at world.air.json:1:1
        # {'a': 1}
        not JSON: key must be a string
          at world.air.json:1:2
        # {"$kind": "defschemo"}
        no manifest
          at world.air.json:1:1
          expected: one document with `"$kind": "manifest"` among the files
          hint: the documents of a world are loaded together, from one folder
        unknown `$kind`: the text `defschemo`
          at world.air.json:1:11 (/$kind)
          expected: one of defschema, defmodule, defplan, defcap, defeffect, defpolicy, defsecret, manifest
          hint: did you mean `defschema`?
        # nul
        not JSON: EOF while parsing a value
          at world.air.json:1:3
    "##]].assert_eq(&found);
    expect![[r#"
        no manifest
          at (built in):1:1
          expected: one document with `"$kind": "manifest"` among the files
          hint: the documents of a world are loaded together, from one folder"#]]
    .assert_eq(&report(&[]));
}

fn names() {
    check(
        &[
            ("\"name\": \"t/Text@1\"", "\"name\": \"t/Text\""),
            ("\"name\": \"t/Text@1\"", "\"name\": \"t/Text@0\""),
            ("\"name\": \"t/Text@1\"", "\"name\": \"sys/Text@1\""),
            ("\"name\": \"t/Text@1\"", "\"name\": \"t/State@1\""),
            (
                "\"name\": \"t/Text@1\", \"type\"",
                "\"nmae\": \"t/Text@1\", \"type\"",
            ),
            ("{\"name\": \"t/Text@1\"}]", "{\"name\": \"t/Txet@1\"}]"),
            ("{\"name\": \"t/Text@1\"}]", "{\"name\": \"t/State@1\"}]"),
            (
                "\"plans\": [{\"name\": \"t/Ask@1\"}]",
                "\"plans\": [{\"name\": \"t/Ask@1\"}, {\"name\": \"t/Ask@1\"}]",
            ),
            ("\"air_version\": \"1\"", "\"air_version\": \"2\""),
            ("\"policy\": \"t/policy@1\"", "\"policy\": \"t/policy@2\""),
            ("sys/http.out@1\"}]", "sys/llm.basic@1\"}]"),
        ],
        &expect![[r##"
            # "name": "t/Text"
            the text `t/Text` does not do here
              at world.air.json:11:34 (/4/name)
              expected: a name such as `demo/Thing@1`
            unknown schema: `t/Text@1`
              at world.air.json:15:75 (/6/output)
            unknown schema: `t/Text@1`
              at world.air.json:16:23 (/6/locals/url)
            an expression is an object, not the text `done`
              at world.air.json:28:46 (/6/steps/5/result)
              hint: a plain value needs a variable of `locals`, which has a schema
            unknown schema: `t/Text@1`
              at world.air.json:45:39 (/10/schemas/4/name)
            # "name": "t/Text@0"
            the text `t/Text@0` does not do here
              at world.air.json:11:34 (/4/name)
              expected: a name such as `demo/Thing@1`
            unknown schema: `t/Text@1`
              at world.air.json:15:75 (/6/output)
            unknown schema: `t/Text@1`
              at world.air.json:16:23 (/6/locals/url)
            an expression is an object, not the text `done`
              at world.air.json:28:46 (/6/steps/5/result)
              hint: a plain value needs a variable of `locals`, which has a schema
            unknown schema: `t/Text@1`
              at world.air.json:45:39 (/10/schemas/4/name)
            # "name": "sys/Text@1"
            `sys/Text@1` is reserved: `sys/` is for what is built in
              at world.air.json:11:34 (/4/name)
              hint: choose a namespace of your own
            unknown schema: `t/Text@1`
              at world.air.json:15:75 (/6/output)
            unknown schema: `t/Text@1`
              at world.air.json:16:23 (/6/locals/url)
            an expression is an object, not the text `done`
              at world.air.json:28:46 (/6/steps/5/result)
              hint: a plain value needs a variable of `locals`, which has a schema
            unknown schema: `t/Text@1`
              at world.air.json:45:39 (/10/schemas/4/name)
            # "name": "t/State@1"
            a second defschema with the name `t/State@1`
              at world.air.json:11:34 (/4/name)
            unknown schema: `t/Text@1`
              at world.air.json:15:75 (/6/output)
            unknown schema: `t/Text@1`
              at world.air.json:16:23 (/6/locals/url)
            an expression is an object, not the text `done`
              at world.air.json:28:46 (/6/steps/5/result)
              hint: a plain value needs a variable of `locals`, which has a schema
            unknown schema: `t/Text@1`
              at world.air.json:45:39 (/10/schemas/4/name)
            # "nmae": "t/Text@1", "type"
            defschema lacks the field `name`
              at world.air.json:11:3 (/4)
            defschema has no field `nmae`
              at world.air.json:11:26 (/4/nmae)
              expected: one of name, type
            unknown schema: `t/Text@1`
              at world.air.json:15:75 (/6/output)
            unknown schema: `t/Text@1`
              at world.air.json:16:23 (/6/locals/url)
            an expression is an object, not the text `done`
              at world.air.json:28:46 (/6/steps/5/result)
              hint: a plain value needs a variable of `locals`, which has a schema
            unknown schema: `t/Text@1`
              at world.air.json:45:39 (/10/schemas/4/name)
            # {"name": "t/Txet@1"}]
            unknown schema: `t/Text@1`
              at world.air.json:15:75 (/6/output)
              hint: its document is there: list it in the manifest
            unknown schema: `t/Text@1`
              at world.air.json:16:23 (/6/locals/url)
              hint: its document is there: list it in the manifest
            an expression is an object, not the text `done`
              at world.air.json:28:46 (/6/steps/5/result)
              hint: a plain value needs a variable of `locals`, which has a schema
            unknown schema: `t/Txet@1`
              at world.air.json:45:39 (/10/schemas/4/name)
              hint: did you mean `t/Text@1`?
            # {"name": "t/State@1"}]
            unknown schema: `t/Text@1`
              at world.air.json:15:75 (/6/output)
              hint: its document is there: list it in the manifest
            unknown schema: `t/Text@1`
              at world.air.json:16:23 (/6/locals/url)
              hint: its document is there: list it in the manifest
            an expression is an object, not the text `done`
              at world.air.json:28:46 (/6/steps/5/result)
              hint: a plain value needs a variable of `locals`, which has a schema
            `t/State@1` is listed twice
              at world.air.json:45:39 (/10/schemas/4/name)
            # "plans": [{"name": "t/Ask@1"}, {"name": "t/Ask@1"}]
            `t/Ask@1` is listed twice
              at world.air.json:46:83 (/10/plans/1/name)
            # "air_version": "2"
            `air_version` is the text `2`
              at world.air.json:43:40 (/10/air_version)
              expected: one of 1
            # "policy": "t/policy@2"
            unknown policy: `t/policy@2`
              at world.air.json:50:28 (/10/defaults/policy)
              hint: did you mean `t/policy@1`?
            # sys/llm.basic@1"}]
            unknown cap: `sys/llm.basic@1`
              at world.air.json:48:46 (/10/caps/1/name)
              hint: `llm` is built into AgentOS and not modelled here
            `sys/http.out@1` is built in, and `caps` of the manifest does not list it
              at world.air.json:52:31 (/10/defaults/cap_grants/1/cap)
              hint: add {"name": "sys/http.out@1"} to `caps`
        "##]],
    );
}

fn hashes() {
    check(
        &[
            (
                "{\"name\": \"t/Start@1\"}",
                "{\"name\": \"t/Start@1\", \"hash\": \"sha256:abc\"}",
            ),
            (
                "\"module_kind\": \"reducer\"",
                "\"module_kind\": \"reducer\", \"wasm_hash\": \"abc\"",
            ),
        ],
        &expect![[r##"
            # {"name": "t/Start@1", "hash": "sha256:abc"}
            `sha256:abc` is not a hash
              at world.air.json:44:47 (/10/schemas/0/hash)
              expected: `sha256:` and 64 lowercase hex digits
            # "module_kind": "reducer", "wasm_hash": "abc"
            `abc` is not a hash
              at world.air.json:12:88 (/5/wasm_hash)
              expected: `sha256:` and 64 lowercase hex digits
        "##]],
    );
}

fn schemas() {
    check(
        &[
            ("\"type\": {\"text\": {}}", "\"type\": {\"txet\": {}}"),
            (
                "\"type\": {\"text\": {}}",
                "\"type\": {\"text\": {}, \"nat\": {}}",
            ),
            (
                "\"type\": {\"text\": {}}",
                "\"type\": {\"option\": {\"ref\": \"t/Text@1\"}}",
            ),
            (
                "\"type\": {\"text\": {}}",
                "\"type\": {\"ref\": \"t/Nowhere@1\"}",
            ),
            (
                "\"type\": {\"text\": {}}",
                "\"type\": {\"map\": {\"key\": {\"bool\": {}}, \"value\": {\"nat\": {}}}}",
            ),
            ("\"type\": {\"text\": {}}", "\"type\": {\"variant\": {}}"),
        ],
        &expect![[r##"
            # "type": {"txet": {}}
            unknown type `txet`
              at world.air.json:11:55 (/4/type/txet)
              expected: one of bool, int, nat, dec128, bytes, text, time, duration, hash, uuid, unit, record, variant, list, set, map, option, ref
            an expression is an object, not the text `done`
              at world.air.json:28:46 (/6/steps/5/result)
              hint: a plain value needs a variable of `locals`, which has a schema
            # "type": {"text": {}, "nat": {}}
            a type is an object with one field, not an object of 2 fields
              at world.air.json:11:54 (/4/type)
              hint: for example {"text":{}}
            an expression is an object, not the text `done`
              at world.air.json:28:46 (/6/steps/5/result)
              hint: a plain value needs a variable of `locals`, which has a schema
            # "type": {"option": {"ref": "t/Text@1"}}
            schemas refer to themselves: t/Text@1 -> t/Text@1
              at world.air.json:11:34 (/4/name)
            # "type": {"ref": "t/Nowhere@1"}
            unknown schema: `t/Nowhere@1`
              at world.air.json:11:62 (/4/type/ref)
            # "type": {"map": {"key": {"bool": {}}, "value": {"nat": {}}}}
            bool cannot be the key of a map
              at world.air.json:11:70 (/4/type/map/key)
              expected: int, nat, text, uuid or hash
            # "type": {"variant": {}}
            a variant without arms has no values
              at world.air.json:11:54 (/4/type)
            an expression is an object, not the text `done`
              at world.air.json:28:46 (/6/steps/5/result)
              hint: a plain value needs a variable of `locals`, which has a schema
        "##]],
    );
}

fn modules() {
    check(
        &[
            (
                "\"effects_emitted\": [\"timer.set\"]",
                "\"effects_emitted\": [\"timer.sat\"]",
            ),
            (
                "\"effects_emitted\": [\"timer.set\"]",
                "\"effects_emitted\": [\"http.request\"]",
            ),
            (
                "\"effects_emitted\": [\"timer.set\"]",
                "\"effects_emitted\": [\"timer.set\", \"blob.put\"]",
            ),
            (
                "\"timer\": {\"ref\": \"sys/TimerFired@1\"}",
                "\"timer\": {\"nat\": {}}",
            ),
            ("\"state\": \"t/State@1\"", "\"state\": \"t/Stat@1\""),
            ("\"module_kind\": \"reducer\"", "\"module_kind\": \"pure\""),
        ],
        &expect![[r##"
            # "effects_emitted": ["timer.sat"]
            unknown effect kind: `timer.sat`
              at world.air.json:14:27 (/5/abi/reducer/effects_emitted/0)
              hint: did you mean `timer.set`?
            # "effects_emitted": ["http.request"]
            `http.request` is an effect of plans only
              at world.air.json:14:27 (/5/abi/reducer/effects_emitted/0)
            # "effects_emitted": ["timer.set", "blob.put"]
            `t/Event@1` has 0 arms for the receipts of `blob.put`
              at world.air.json:13:56 (/5/abi/reducer/event)
              expected: sys/BlobPutResult@1 itself, or a variant with one arm of type {"ref":"sys/BlobPutResult@1"}
            `blob.put` is built in, and `effects` of the manifest does not list it
              at world.air.json:14:40 (/5/abi/reducer/effects_emitted/1)
              hint: add {"name": "sys/blob.put@1"} to `effects`
            # "timer": {"nat": {}}
            the arm `timer` of the event of `t/Machine@1` is not a ref
              at world.air.json:8:14 (/2/type/variant/timer)
              expected: {"ref":…}, to a schema with a name
              hint: the event travels as one of that schema
            `t/Event@1` has 0 arms for the receipts of `timer.set`
              at world.air.json:13:56 (/5/abi/reducer/event)
              expected: sys/TimerFired@1 itself, or a variant with one arm of type {"ref":"sys/TimerFired@1"}
            # "state": "t/Stat@1"
            unknown schema: `t/Stat@1`
              at world.air.json:13:34 (/5/abi/reducer/state)
              hint: did you mean `t/Start@1`?
            # "module_kind": "pure"
            abi lacks the field `pure`
              at world.air.json:13:12 (/5/abi)
            abi has no field `reducer`
              at world.air.json:13:13 (/5/abi/reducer)
              expected: one of pure
        "##]],
    );
}

fn steps_and_edges() {
    check(
        &[
            ("\"id\": \"f_end\"", "\"id\": \"e_raise\""),
            ("\"op\": \"end\"", "\"op\": \"stop\""),
            (
                "{\"from\": \"a_url\", \"to\": \"b_ask\"}",
                "{\"from\": \"a_url\", \"to\": \"b_sak\"}",
            ),
            (
                "{\"from\": \"a_url\", \"to\": \"b_ask\"}",
                "{\"from\": \"b_ask\", \"to\": \"c_wait\"}",
            ),
            (
                "{\"from\": \"a_url\", \"to\": \"b_ask\"}",
                "{\"from\": \"f_end\", \"to\": \"a_url\"}, {\"from\": \"a_url\", \"to\": \"b_ask\"}",
            ),
            (", \"result\": \"done\"", ""),
            ("\"output\": \"t/Text@1\",", ""),
            ("\"result\": \"done\"", "\"result\": 3"),
            ("\"input\": \"t/Start@1\"", "\"input\": \"t/Answer@1\""),
        ],
        &expect![[r##"
            # "id": "e_raise"
            a second step with the id `e_raise`
              at world.air.json:28:14 (/6/steps/5/id)
            unknown step: `f_end`
              at world.air.json:32:72 (/6/edges/4/to)
            # "op": "stop"
            `op` is the text `stop`
              at world.air.json:28:29 (/6/steps/5/op)
              expected: one of raise_event, emit_effect, await_receipt, await_event, assign, end
            # {"from": "a_url", "to": "b_sak"}
            unknown step: `b_sak`
              at world.air.json:29:39 (/6/edges/0/to)
            # {"from": "b_ask", "to": "c_wait"}
            a second edge from `b_ask` to `c_wait`
              at world.air.json:29:50 (/6/edges/1)
            # {"from": "f_end", "to": "a_url"}, {"from": "a_url", "to": "b_ask"}
            the edges form a cycle: a_url -> b_ask -> c_wait -> d_listen -> e_raise -> f_end -> a_url
              at world.air.json:29:49 (/6/edges/1)
            # 
            the plan has an `output`, so that `end` needs a `result`
              at world.air.json:28:7 (/6/steps/5)
            # 
            `end` has a `result`, but the plan has no `output`
              at world.air.json:28:46 (/6/steps/5/result)
            # "result": 3
            neither an expression nor a value of `t/Text@1`: found the number 3
              at world.air.json:28:46 (/6/steps/5/result)
              expected: text
              hint: a record with expressions in it is written {"record":{…}}
            # "input": "t/Answer@1"
            `@plan.input.n`: there is no field `n`
              at world.air.json:34:20 (/6/invariants/0)
            `t/Ask@1` takes another input
              at world.air.json:54:28 (/10/triggers/0/event)
              expected: t/Answer@1
        "##]],
    );
}

fn expressions() {
    check(
        &[
            (
                "{\"ref\": \"@plan.input.id\"}",
                "{\"ref\": \"@plan.input.di\"}",
            ),
            ("{\"ref\": \"@plan.input.id\"}", "{\"ref\": \"@event.id\"}"),
            ("\"op\": \"concat\"", "\"op\": \"join\""),
            ("{\"int\": 300}", "{\"text\": \"300\"}"),
            ("{\"ref\": \"@plan.input.n\"}", "{\"ref\": \"@event.n\"}"),
            (
                "{\"ref\": \"@plan.input.n\"}",
                "{\"ref\": \"@var:nowhere\"}",
            ),
            (
                "{\"op\": \"gt\", \"args\": [{\"ref\": \"@plan.input.n\"}, {\"nat\": 0}]}",
                "{\"ref\": \"@plan.input.n\"}",
            ),
            (
                "{\"ref\": \"@event.id\"}, {\"ref\": \"@var:correlation_id\"}",
                "{\"ref\": \"@event.ok\"}, {\"bool\": true}",
            ),
            ("\"tag\": \"answer\"", "\"tag\": \"anwser\""),
        ],
        &expect![[r##"
            # {"ref": "@plan.input.di"}
            `@plan.input.di`: there is no field `di`
              at world.air.json:19:17 (/6/steps/0/expr)
            # {"ref": "@event.id"}
            `@event` means something in the `where` of `await_event` only
              at world.air.json:19:75 (/6/steps/0/expr/args/1/ref)
            # "op": "join"
            unknown operator: the text `join`
              at world.air.json:19:24 (/6/steps/0/expr/op)
              expected: one of len get has eq ne lt le gt ge and or not concat hash hash_bytes add sub mul div mod starts_with ends_with contains
            # {"text": "300"}
            `lt` of int and text
              at world.air.json:31:17 (/6/edges/2/when)
            # {"ref": "@event.n"}
            `@event` means something in the `where` of `await_event` only
              at world.air.json:34:50 (/6/invariants/0/args/0/ref)
            # {"ref": "@var:nowhere"}
            unknown variable: `nowhere`
              at world.air.json:34:50 (/6/invariants/0/args/0/ref)
            # {"ref": "@plan.input.n"}
            `@plan.input.n` is nat, not bool
              at world.air.json:34:20 (/6/invariants/0)
            # {"ref": "@event.ok"}, {"bool": true}
            the plan is started with `correlate_by`, so that each `await_event` needs a `where` on `@var:correlation_id`
              at world.air.json:25:18 (/6/steps/3/where)
            # "tag": "anwser"
            unknown tag `anwser`; there are start, timer, answer
              at world.air.json:27:18 (/6/steps/4/value)
        "##]],
    );
}

fn effects_of_plans() {
    check(
        &[
            ("\"kind\": \"http.request\"", "\"kind\": \"http.requets\""),
            ("\"kind\": \"http.request\"", "\"kind\": \"timer.set\""),
            ("\"cap\": \"http\",\n", "\"cap\": \"htpp\",\n"),
            ("\"cap\": \"http\",\n", "\"cap\": \"tick\",\n"),
            (
                "\"method\": {\"text\": \"GET\"}",
                "\"method\": {\"nat\": 1}",
            ),
            (
                "\"for\": {\"ref\": \"@var:call\"}",
                "\"for\": {\"ref\": \"@var:cal\"}",
            ),
            (
                "\"required_caps\": [\"http\"]",
                "\"required_caps\": [\"tick\"]",
            ),
            (
                "\"allowed_effects\": [\"http.request\"]",
                "\"allowed_effects\": []",
            ),
        ],
        &expect![[r##"
            # "kind": "http.requets"
            unknown effect kind: `http.requets`
              at world.air.json:20:52 (/6/steps/1/kind)
              hint: did you mean `http.request`?
            `allowed_effects` lacks `http.requets`, which a step uses
              at world.air.json:33:51 (/6/allowed_effects)
            no step uses `http.request`, listed in `allowed_effects`
              at world.air.json:33:52 (/6/allowed_effects/0)
            # "kind": "timer.set"
            `timer.set` is an effect of reducers only
              at world.air.json:20:52 (/6/steps/1/kind)
            `http` grants `http.out`
              at world.air.json:20:72 (/6/steps/1/cap)
              expected: a grant of `timer`
            unknown field `url`; there are key, deliver_at_ns
              at world.air.json:21:19 (/6/steps/1/params)
            `@var:got.status`: there is no field `status`
              at world.air.json:31:17 (/6/edges/2/when)
            `allowed_effects` lacks `timer.set`, which a step uses
              at world.air.json:33:51 (/6/allowed_effects)
            no step uses `http.request`, listed in `allowed_effects`
              at world.air.json:33:52 (/6/allowed_effects/0)
            # "cap": "htpp",

            unknown grant: `htpp`
              at world.air.json:20:75 (/6/steps/1/cap)
              hint: did you mean `http`?
            `required_caps` lacks `htpp`, which a step uses
              at world.air.json:33:22 (/6/required_caps)
            no step uses `http`, listed in `required_caps`
              at world.air.json:33:23 (/6/required_caps/0)
            # "cap": "tick",

            `tick` grants `timer`
              at world.air.json:20:75 (/6/steps/1/cap)
              expected: a grant of `http.out`
            `required_caps` lacks `tick`, which a step uses
              at world.air.json:33:22 (/6/required_caps)
            no step uses `http`, listed in `required_caps`
              at world.air.json:33:23 (/6/required_caps/0)
            # "method": {"nat": 1}
            in `method`: a constant does not fit: expected text, found a number
              at world.air.json:21:19 (/6/steps/1/params)
            # "for": {"ref": "@var:cal"}
            unknown variable: `cal`
              at world.air.json:23:62 (/6/steps/2/for/ref)
              hint: did you mean `call`?
            # "required_caps": ["tick"]
            `required_caps` lacks `http`, which a step uses
              at world.air.json:33:22 (/6/required_caps)
            no step uses `tick`, listed in `required_caps`
              at world.air.json:33:23 (/6/required_caps/0)
            # "allowed_effects": []
            `allowed_effects` lacks `http.request`, which a step uses
              at world.air.json:33:51 (/6/allowed_effects)
        "##]],
    );
}

fn capabilities() {
    check(
        &[
            ("\"cap\": \"t/timer@1\"", "\"cap\": \"t/timre@1\""),
            ("{\"hosts\": [\"h\"]}", "{\"host\": [\"h\"]}"),
            ("{\"hosts\": [\"h\"]}", "{\"hosts\": \"h\"}"),
            ("{\"name\": \"tick\",", "{\"name\": \"http\","),
            ("\"decision\": \"deny\"", "\"decision\": \"no\""),
            ("\"origin_kind\": \"plan\"", "\"origin_kind\": \"plans\""),
            ("\"expiry_ns\": 9", "\"expiry_ns\": -9"),
            (
                "\"allowed_plans\": [\"t/Ask@1\"]",
                "\"allowed_plans\": [\"t/Sak@1\"]",
            ),
        ],
        &expect![[r##"
            # "cap": "t/timre@1"
            unknown cap: `t/timre@1`
              at world.air.json:51:31 (/10/defaults/cap_grants/0/cap)
              hint: did you mean `t/timer@1`?
            # {"host": ["h"]}
            params do not fit `sys/http.out@1`: found an unknown field
              at world.air.json:52:68 (/10/defaults/cap_grants/1/params/host)
              expected: one of hosts, ports, methods, schemes, path_prefixes
            # {"hosts": "h"}
            params do not fit `sys/http.out@1`: found the text `h`
              at world.air.json:52:69 (/10/defaults/cap_grants/1/params/hosts)
              expected: an array
            # {"name": "http",
            `http` grants `timer`
              at world.air.json:20:75 (/6/steps/1/cap)
              expected: a grant of `http.out`
            a second grant with the name `http`
              at world.air.json:52:16 (/10/defaults/cap_grants/1/name)
            # "decision": "no"
            `decision` is the text `no`
              at world.air.json:40:30 (/8/rules/2/decision)
              expected: one of allow, deny
            # "origin_kind": "plans"
            `origin_kind` is the text `plans`
              at world.air.json:38:22 (/8/rules/0/when/origin_kind)
              expected: one of plan, reducer
              hint: did you mean `plan`?
            # "expiry_ns": -9
            unknown grant: `http`
              at world.air.json:20:75 (/6/steps/1/cap)
            unknown grant: `http`
              at world.air.json:37:58 (/8/rules/0/when/cap_name)
            unknown grant: `http`
              at world.air.json:41:90 (/9/allowed_caps/0)
            the number -9 does not do here
              at world.air.json:52:90 (/10/defaults/cap_grants/1/expiry_ns)
              expected: ns, up to 64 bits
            # "allowed_plans": ["t/Sak@1"]
            unknown plan: `t/Sak@1`
              at world.air.json:42:23 (/9/allowed_plans/0)
              hint: did you mean `t/Ask@1`?
        "##]],
    );
}

fn routing() {
    check(
        &[
            (
                "{\"event\": \"t/Event@1\", \"reducer\": \"t/Machine@1\"}",
                "{\"event\": \"t/State@1\", \"reducer\": \"t/Machine@1\"}",
            ),
            (
                "{\"event\": \"t/Event@1\", \"reducer\": \"t/Machine@1\"}",
                "{\"event\": \"t/Event@1\", \"reducer\": \"t/Machine@1\", \"key_field\": \"$value.id\"}",
            ),
            (
                "\"module_kind\": \"reducer\",",
                "\"module_kind\": \"reducer\", \"key_schema\": \"t/Text@1\",",
            ),
            (
                "\"reducer\": \"t/Machine@1\"}",
                "\"reducer\": \"t/Machnie@1\"}",
            ),
            ("\"correlate_by\": \"id\"", "\"correlate_by\": \"di\""),
            (
                "\"plan\": \"t/Ask@1\", \"correlate_by\"",
                "\"plan\": \"t/Aks@1\", \"correlate_by\"",
            ),
            (
                "{\"event\": \"t/Start@1\", \"plan\"",
                "{\"event\": \"t/Answer@1\", \"plan\"",
            ),
        ],
        &expect![[r##"
            # {"event": "t/State@1", "reducer": "t/Machine@1"}
            `t/Machine@1` takes other events
              at world.air.json:53:38 (/10/routing/events/0/event)
              expected: t/Event@1, or the schema of one of its arms
            # {"event": "t/Event@1", "reducer": "t/Machine@1", "key_field": "$value.id"}
            `t/Machine@1` is not keyed
              at world.air.json:53:90 (/10/routing/events/0/key_field)
              hint: leave `key_field` out, or give the module a `key_schema`
            # "module_kind": "reducer", "key_schema": "t/Text@1",
            `t/Machine@1` is keyed: the route needs `key_field`
              at world.air.json:53:28 (/10/routing/events/0)
            # "reducer": "t/Machnie@1"}
            unknown module: `t/Machnie@1`
              at world.air.json:53:62 (/10/routing/events/0/reducer)
              hint: did you mean `t/Machine@1`?
            # "correlate_by": "di"
            unknown variable: `correlation_id`
              at world.air.json:25:70 (/6/steps/3/where/args/1/ref)
            `di` of `t/Start@1`: there is no field `di`
              at world.air.json:54:76 (/10/triggers/0/correlate_by)
            # "plan": "t/Aks@1", "correlate_by"
            unknown variable: `correlation_id`
              at world.air.json:25:70 (/6/steps/3/where/args/1/ref)
            unknown plan: `t/Aks@1`
              at world.air.json:54:49 (/10/triggers/0/plan)
              hint: did you mean `t/Ask@1`?
            # {"event": "t/Answer@1", "plan"
            `t/Ask@1` takes another input
              at world.air.json:54:28 (/10/triggers/0/event)
              expected: t/Start@1
        "##]],
    );
}

/// What AgentOS' own loader refuses, or cannot run.
fn as_in_agent_os() {
    const STEPS: &str = "\"output\": \"t/Text@1\",
    \"locals\": {\"url\": \"t/Text@1\"},
    \"steps\": [";
    assert!(BASE.contains(STEPS));
    let no_steps = "\"steps\": [], \"edges\": [], \"$comment\": [";
    let event = "\"event\": \"t/Event@1\",\n";
    let with_event = |name: &str| format!("\"event\": \"{name}\",\n");
    let list = "\"type\": {\"list\": {\"ref\": \"t/Start@1\"}}";
    check(
        &[
            (STEPS, no_steps),
            (event, &with_event("t/Text@1")),
            (
                "\"start\": {\"ref\": \"t/Start@1\"}",
                "\"start\": {\"record\": {}}",
            ),
            (
                "\"start\": {\"ref\": \"t/Start@1\"}",
                "\"start\": {\"ref\": \"t/Answer@1\"}",
            ),
            ("{\"name\": \"sys/timer.set@1\"}, ", ""),
            (", {\"name\": \"sys/http.request@1\"}", ""),
            (", {\"name\": \"sys/http.out@1\"}", ""),
            (
                "\"effect_kind\": \"timer.set\"",
                "\"effect_kind\": \"timer.sat\"",
            ),
            ("\"cap_name\": \"http\"", "\"cap_name\": \"htpp\""),
            // Built in, and not the author's to mend: the place is where it is used.
            (event, &with_event("sys/BytesOrSecretRef@1")),
        ],
        &expect![[r##"
            # "steps": [], "edges": [], "$comment": [
            a plan without steps
              at world.air.json:15:74 (/6/steps)
              expected: one step at least, such as `end`
            the field `edges` is here twice
              at world.air.json:27:5 (/6/edges)
            no step uses `http`, listed in `required_caps`
              at world.air.json:31:23 (/6/required_caps/0)
            no step uses `http.request`, listed in `allowed_effects`
              at world.air.json:31:52 (/6/allowed_effects/0)
            # "event": "t/Text@1",

            the event of `t/Machine@1` is text
              at world.air.json:13:56 (/5/abi/reducer/event)
              expected: a record, or a variant whose arms are refs
            `t/Machine@1` takes other events
              at world.air.json:53:38 (/10/routing/events/0/event)
              expected: t/Text@1
            # "start": {"record": {}}
            the arm `start` of the event of `t/Machine@1` is not a ref
              at world.air.json:7:14 (/2/type/variant/start)
              expected: {"ref":…}, to a schema with a name
              hint: the event travels as one of that schema
            # "start": {"ref": "t/Answer@1"}
            the arm `answer` of the event of `t/Machine@1` is `t/Answer@1`, as is `start`
              at world.air.json:7:47 (/2/type/variant/answer)
              hint: give each arm a schema of its own: an event is put into an arm by its schema
            # 
            `timer.set` is built in, and `effects` of the manifest does not list it
              at world.air.json:14:27 (/5/abi/reducer/effects_emitted/0)
              hint: add {"name": "sys/timer.set@1"} to `effects`
            # 
            `http.request` is built in, and `effects` of the manifest does not list it
              at world.air.json:20:52 (/6/steps/1/kind)
              hint: add {"name": "sys/http.request@1"} to `effects`
            # 
            `sys/http.out@1` is built in, and `caps` of the manifest does not list it
              at world.air.json:52:31 (/10/defaults/cap_grants/1/cap)
              hint: add {"name": "sys/http.out@1"} to `caps`
            # "effect_kind": "timer.sat"
            unknown effect kind: `timer.sat`
              at world.air.json:39:30 (/8/rules/1/when/effect_kind)
              hint: did you mean `timer.set`?
            # "cap_name": "htpp"
            unknown grant: `htpp`
              at world.air.json:37:58 (/8/rules/0/when/cap_name)
              hint: did you mean `http`?
            # "event": "sys/BytesOrSecretRef@1",

            `sys/BytesOrSecretRef@1` has 0 arms for the receipts of `timer.set`
              at world.air.json:13:56 (/5/abi/reducer/event)
              expected: sys/TimerFired@1 itself, or a variant with one arm of type {"ref":"sys/TimerFired@1"}
            the arm `literal` of the event of `t/Machine@1` is not a ref
              at world.air.json:13:56 (/5/abi/reducer/event)
              expected: {"ref":…}, to a schema with a name
              hint: the event travels as one of that schema
            `t/Machine@1` takes other events
              at world.air.json:53:38 (/10/routing/events/0/event)
              expected: sys/BytesOrSecretRef@1, or the schema of one of its arms
        "##]],
    );
    // The same by a chain of refs, and of what is no record and no variant either.
    check(
        &[
            ("\"type\": {\"variant\": {\n    \"start\": {\"ref\": \"t/Start@1\"}, \"answer\": {\"ref\": \"t/Answer@1\"},
    \"timer\": {\"ref\": \"sys/TimerFired@1\"}}}", "\"type\": {\"ref\": \"t/Text@1\"}"),
            ("\"type\": {\"variant\": {\n    \"start\": {\"ref\": \"t/Start@1\"}, \"answer\": {\"ref\": \"t/Answer@1\"},
    \"timer\": {\"ref\": \"sys/TimerFired@1\"}}}", list),
        ],
        &expect![[r##"
            # "type": {"ref": "t/Text@1"}
            the event of `t/Machine@1` is text
              at world.air.json:11:56 (/5/abi/reducer/event)
              expected: a record, or a variant whose arms are refs
            a variant is not text
              at world.air.json:25:18 (/6/steps/4/value)
            # "type": {"list": {"ref": "t/Start@1"}}
            the event of `t/Machine@1` is a list
              at world.air.json:11:56 (/5/abi/reducer/event)
              expected: a record, or a variant whose arms are refs
            a variant is not a list
              at world.air.json:25:18 (/6/steps/4/value)
        "##]],
    );
}

/// An event of a keyed reducer must lead to a cell; receipts go to the cell that asked.
fn cells() {
    let keyed = "\"module_kind\": \"reducer\", \"key_schema\": \"t/Text@1\",";
    let route = "{\"event\": \"t/Event@1\", \"reducer\": \"t/Machine@1\"}";
    let key = |event: &str, field: &str| {
        format!(
            "{{\"event\": \"{event}\", \"reducer\": \"t/Machine@1\", \"key_field\": \"{field}\"}}"
        )
    };
    let mut found = String::new();
    for (event, field, edit) in [
        ("t/Event@1", "$value.ok", ("", "")),
        ("t/Event@1", "$value.n", ("", "")),
        (
            "t/Event@1",
            "$value.id",
            (
                "\"id\": {\"text\": {}}, \"ok\"",
                "\"id\": {\"nat\": {}}, \"ok\"",
            ),
        ),
        (
            "t/Event@1",
            "$value.id",
            (
                "\"id\": {\"text\": {}}, \"ok\"",
                "\"id\": {\"option\": {\"text\": {}}}, \"ok\"",
            ),
        ),
        (
            "t/Event@1",
            "$value.id",
            (
                "\"type\": {\"record\": {\n    \"id\": {\"text\": {}}, \"ok\": {\"bool\": {}}}}",
                "\"type\": {\"unit\": {}}",
            ),
        ),
        ("t/Event@1", "id", ("", "")),
        // From the schema of an arm the path begins in the event itself.
        ("t/Answer@1", "$value.id", ("", "")),
        ("t/Answer@1", "ok", ("", "")),
        ("sys/TimerFired@1", "requested.key", ("", "")),
    ] {
        let route_to = key(event, field);
        let mut edits = vec![("\"module_kind\": \"reducer\",", keyed), (route, &route_to)];
        if !edit.0.is_empty() {
            edits.push(edit);
        }
        let _ = writeln!(found, "# {event} {field} {}", edit.1);
        let report = report(&edited(&edits));
        // The plan reads the field too.
        let lines = report
            .split("\n")
            .skip_while(|line| line.contains("@event.id"));
        let lines = lines.skip_while(|line| line.contains("/6/"));
        let _ = writeln!(found, "{}", lines.collect::<Vec<_>>().join("\n"));
    }
    expect![[r##"
        # t/Event@1 $value.ok 
        `$value.ok`: there is no field `ok` in the arm `start`
          at world.air.json:53:90 (/10/routing/events/0/key_field)
          hint: an event without a key can be routed to no cell
        # t/Event@1 $value.n 
        `$value.n`: there is no field `n` in the arm `answer`
          at world.air.json:53:90 (/10/routing/events/0/key_field)
          hint: an event without a key can be routed to no cell
        # t/Event@1 $value.id "id": {"nat": {}}, "ok"
        `eq` of nat and text
          at world.air.json:25:18 (/6/steps/3/where)
        `$value.id`: it has another type in the arm `answer`
          at world.air.json:53:90 (/10/routing/events/0/key_field)
          hint: an event without a key can be routed to no cell
        # t/Event@1 $value.id "id": {"option": {"text": {}}}, "ok"
        `$value.id`: it has another type in the arm `answer`
          at world.air.json:53:90 (/10/routing/events/0/key_field)
          hint: an event without a key can be routed to no cell
        # t/Event@1 $value.id "type": {"unit": {}}
        `$value.id`: `.id` of unit, which has no fields in the arm `answer`
          at world.air.json:52:90 (/10/routing/events/0/key_field)
          hint: an event without a key can be routed to no cell
        # t/Event@1 id 
        `t/Event@1` is a variant
          at world.air.json:53:90 (/10/routing/events/0/key_field)
          hint: did you mean `$value.id`?
        # t/Answer@1 $value.id 
        `$value.id` of `t/Answer@1`: there is no field `$value`
          at world.air.json:53:91 (/10/routing/events/0/key_field)
          hint: an event without a key can be routed to no cell
        # t/Answer@1 ok 
        `ok` is bool
          at world.air.json:53:91 (/10/routing/events/0/key_field)
          expected: the key schema, t/Text@1
        # sys/TimerFired@1 requested.key 
        `requested.key` is an option of text
          at world.air.json:53:97 (/10/routing/events/0/key_field)
          expected: the key schema, t/Text@1
    "##]]
    .assert_eq(&found);
}

fn enforcers() {
    let cap = "\"cap_type\": \"timer\",";
    let with = |enforcer: &str| format!("{cap} \"enforcer\": {enforcer},");
    let guard = |input: &str, output: &str, context: &str| {
        format!(
            "{{\"$kind\": \"defmodule\", \"name\": \"t/Guard@1\", \"module_kind\": \"pure\", \"abi\": \
             {{\"pure\": {{\"input\": \"{input}\", \"output\": \"{output}\"{context}}}}}}}, \
             {{\"$kind\": \"defpolicy\""
        )
    };
    let (input, output) = ("sys/CapCheckInput@1", "sys/CapCheckOutput@1");
    let mut found = String::new();
    for (enforcer, module) in [
        ("\"t/Guard@1\"", ""),
        ("{}", ""),
        ("{\"module\": \"t/Guard@1\", \"slot\": 1}", ""),
        ("{\"module\": \"t/Nobody@1\"}", ""),
        ("{\"module\": \"t/Machine@1\"}", ""),
        ("{\"module\": \"sys/CapEnforceLlmBasic@1\"}", ""),
        (
            "{\"module\": \"t/Guard@1\"}",
            &*guard("t/Start@1", output, ""),
        ),
        (
            "{\"module\": \"t/Guard@1\"}",
            &*guard(input, "t/Text@1", ""),
        ),
        (
            "{\"module\": \"t/Guard@1\"}",
            &*guard(input, output, ", \"context\": \"sys/ReducerContext@1\""),
        ),
    ] {
        let enforcer = with(enforcer);
        let mut edits = vec![(cap, &*enforcer)];
        if !module.is_empty() {
            edits.push(("{\"$kind\": \"defpolicy\"", module));
            edits.push((
                "[{\"name\": \"t/Machine@1\"}]",
                "[{\"name\": \"t/Machine@1\"}, {\"name\": \"t/Guard@1\"}]",
            ));
        }
        let _ = writeln!(found, "# {enforcer} {module}\n{}", report(&edited(&edits)));
    }
    expect![[r##"
        # "cap_type": "timer", "enforcer": "t/Guard@1", 
        an enforcer is an object, not the text `t/Guard@1`
          at world.air.json:35:77 (/7/enforcer)
        # "cap_type": "timer", "enforcer": {}, 
        enforcer lacks the field `module`
          at world.air.json:35:77 (/7/enforcer)
        # "cap_type": "timer", "enforcer": {"module": "t/Guard@1", "slot": 1}, 
        unknown module: `t/Guard@1`
          at world.air.json:35:88 (/7/enforcer/module)
        enforcer has no field `slot`
          at world.air.json:35:101 (/7/enforcer/slot)
          expected: one of module
        # "cap_type": "timer", "enforcer": {"module": "t/Nobody@1"}, 
        unknown module: `t/Nobody@1`
          at world.air.json:35:88 (/7/enforcer/module)
        # "cap_type": "timer", "enforcer": {"module": "t/Machine@1"}, 
        `t/Machine@1` is a reducer, and enforces nothing
          at world.air.json:35:88 (/7/enforcer/module)
          expected: a module of kind `pure`
        # "cap_type": "timer", "enforcer": {"module": "sys/CapEnforceLlmBasic@1"}, 
        unknown module: `sys/CapEnforceLlmBasic@1`
          at world.air.json:35:88 (/7/enforcer/module)
          hint: names under `sys/` are built in; this one is not modelled here
        # "cap_type": "timer", "enforcer": {"module": "t/Guard@1"}, {"$kind": "defmodule", "name": "t/Guard@1", "module_kind": "pure", "abi": {"pure": {"input": "t/Start@1", "output": "sys/CapCheckOutput@1"}}}, {"$kind": "defpolicy"
        an enforcer is given `sys/CapCheckInput@1`, which `t/Start@1` does not hold
          at world.air.json:36:96 (/8/abi/pure/input)
          expected: sys/CapCheckInput@1
        # "cap_type": "timer", "enforcer": {"module": "t/Guard@1"}, {"$kind": "defmodule", "name": "t/Guard@1", "module_kind": "pure", "abi": {"pure": {"input": "sys/CapCheckInput@1", "output": "t/Text@1"}}}, {"$kind": "defpolicy"
        an enforcer answers `sys/CapCheckOutput@1`, and no `t/Text@1` is one
          at world.air.json:36:129 (/8/abi/pure/output)
          expected: sys/CapCheckOutput@1
        # "cap_type": "timer", "enforcer": {"module": "t/Guard@1"}, {"$kind": "defmodule", "name": "t/Guard@1", "module_kind": "pure", "abi": {"pure": {"input": "sys/CapCheckInput@1", "output": "sys/CapCheckOutput@1", "context": "sys/ReducerContext@1"}}}, {"$kind": "defpolicy"
        a pure module cannot be given `sys/ReducerContext@1` as its context
          at world.air.json:36:164 (/8/abi/pure/context)
          expected: sys/PureContext@1
    "##]].assert_eq(&found);
}

/// What fails whenever it is reached.
fn types() {
    const GUARD: &str =
        "{\"op\": \"lt\", \"args\": [{\"ref\": \"@var:got.status\"}, {\"int\": 300}]}";
    let op = |word: &str, args: &[&str]| {
        format!("{{\"op\": \"{word}\", \"args\": [{}]}}", args.join(", "))
    };
    let (n, id, got) = (
        "{\"ref\": \"@plan.input.n\"}",
        "{\"ref\": \"@plan.input.id\"}",
        "{\"ref\": \"@var:got\"}",
    );
    let (text, zero) = ("{\"text\": \"a\"}", "{\"nat\": 0}");
    let list = "{\"list\": [{\"nat\": 1}]}";
    let is = |expr: String| op("eq", &[&expr, zero]);
    let guards = [
        "{\"ref\": \"@var:got.stats\"}".to_owned(),
        "{\"ref\": \"@var:got.timings.start\"}".to_owned(),
        "{\"ref\": \"@step:c_wait.status.code\"}".to_owned(),
        is(op("get", &[got, "{\"text\": \"stats\"}"])),
        is(op("get", &[got, zero])),
        is(op("get", &["{\"ref\": \"@var:got.headers\"}", zero])),
        is(op("get", &[list, text])),
        is(op("get", &[list, "{\"int\": -1}"])),
        is(op("get", &[n, zero])),
        op("eq", &[&op("get", &[got, "{\"text\": \"status\"}"]), text]),
        op("eq", &[n, id]),
        op("lt", &[n, id]),
        op("lt", &[got, got]),
        op("has", &[n, text]),
        op("has", &[list, text]),
        op("contains", &[id, n]),
        op("contains", &[n, n]),
        op("starts_with", &[id, n]),
        op("starts_with", &[list, list]),
        op("not", &[n]),
        "{\"null\": {}}".to_owned(),
        op("or", &["{\"ref\": \"@var:answer.ok\"}", "{\"null\": {}}"]),
        is(op("len", &[n])),
        is(op("add", &[n, id])),
        is(op("div", &[n, zero])),
        is(op("sub", &["{\"nat\": 1}", "{\"nat\": 2}"])),
        op("eq", &[&op("concat", &[id, n]), text]),
        op("eq", &[&op("hash_bytes", &[id]), text]),
        op(
            "eq",
            &[&op("concat", &[text, "{\"bytes_b64\": \"\"}"]), text],
        ),
        op(
            "eq",
            &[
                "{\"map\": [{\"key\": {\"nat\": 1}, \"value\": {\"nat\": 1}}, {\"key\": {\"int\": 1}, \"value\": {\"nat\": 2}}]}",
                got,
            ],
        ),
    ];
    let edits: Vec<(&str, &str)> = guards.iter().map(|it| (GUARD, it.as_str())).collect();
    check(
        &edits,
        &expect![[r##"
            # {"ref": "@var:got.stats"}
            `@var:got.stats`: there is no field `stats`
              at world.air.json:31:17 (/6/edges/2/when)
            # {"ref": "@var:got.timings.start"}
            `@var:got.timings.start`: there is no field `start`
              at world.air.json:31:17 (/6/edges/2/when)
            # {"ref": "@step:c_wait.status.code"}
            `@step:c_wait.status.code`: `.code` of int, which has no fields
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"op": "get", "args": [{"ref": "@var:got"}, {"text": "stats"}]}, {"nat": 0}]}
            `get`: there is no field `stats`
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"op": "get", "args": [{"ref": "@var:got"}, {"nat": 0}]}, {"nat": 0}]}
            `get` of sys/HttpRequestReceipt@1 by nat
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"op": "get", "args": [{"ref": "@var:got.headers"}, {"nat": 0}]}, {"nat": 0}]}
            `get` of a map by nat
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"op": "get", "args": [{"list": [{"nat": 1}]}, {"text": "a"}]}, {"nat": 0}]}
            `get` of a list by text
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"op": "get", "args": [{"list": [{"nat": 1}]}, {"int": -1}]}, {"nat": 0}]}
            `get` of a list by -1
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"op": "get", "args": [{"ref": "@plan.input.n"}, {"nat": 0}]}, {"nat": 0}]}
            `get` takes a record, a map or a list, not nat
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"op": "get", "args": [{"ref": "@var:got"}, {"text": "status"}]}, {"text": "a"}]}
            `eq` of int and text
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"ref": "@plan.input.n"}, {"ref": "@plan.input.id"}]}
            `eq` of nat and text
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "lt", "args": [{"ref": "@plan.input.n"}, {"ref": "@plan.input.id"}]}
            `lt` of nat and text
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "lt", "args": [{"ref": "@var:got"}, {"ref": "@var:got"}]}
            `lt` takes two numbers, two texts or two bytes, not sys/HttpRequestReceipt@1
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "has", "args": [{"ref": "@plan.input.n"}, {"text": "a"}]}
            `has` takes a record, a map or a list, not nat
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "has", "args": [{"list": [{"nat": 1}]}, {"text": "a"}]}
            `has` takes an index of a list, not text
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "contains", "args": [{"ref": "@plan.input.id"}, {"ref": "@plan.input.n"}]}
            `contains` takes two texts, not nat
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "contains", "args": [{"ref": "@plan.input.n"}, {"ref": "@plan.input.n"}]}
            `contains` takes text, a list, a set or a map, not nat
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "starts_with", "args": [{"ref": "@plan.input.id"}, {"ref": "@plan.input.n"}]}
            `starts_with` takes two texts or two bytes, not nat
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "starts_with", "args": [{"list": [{"nat": 1}]}, {"list": [{"nat": 1}]}]}
            `starts_with` takes two texts or two bytes, not a list
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "not", "args": [{"ref": "@plan.input.n"}]}
            `@plan.input.n` is nat, not bool
              at world.air.json:31:17 (/6/edges/2/when)
            # {"null": {}}
            null is not bool
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "or", "args": [{"ref": "@var:answer.ok"}, {"null": {}}]}
            null is not bool
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"op": "len", "args": [{"ref": "@plan.input.n"}]}, {"nat": 0}]}
            `len` takes text, bytes, a list, a set or a map, not nat
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"op": "add", "args": [{"ref": "@plan.input.n"}, {"ref": "@plan.input.id"}]}, {"nat": 0}]}
            `add` takes numbers, not text
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"op": "div", "args": [{"ref": "@plan.input.n"}, {"nat": 0}]}, {"nat": 0}]}
            `div` by zero
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"op": "sub", "args": [{"nat": 1}, {"nat": 2}]}, {"nat": 0}]}
            it always fails: `sub` overflows 64 bits
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"op": "concat", "args": [{"ref": "@plan.input.id"}, {"ref": "@plan.input.n"}]}, {"text": "a"}]}
            `concat` takes texts, bytes or lists, all alike, not nat
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"op": "hash_bytes", "args": [{"ref": "@plan.input.id"}]}, {"text": "a"}]}
            `@plan.input.id` is text, not bytes
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"op": "concat", "args": [{"text": "a"}, {"bytes_b64": ""}]}, {"text": "a"}]}
            `concat` takes all alike, and one is bytes
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"map": [{"key": {"nat": 1}, "value": {"nat": 1}}, {"key": {"int": 1}, "value": {"nat": 2}}]}, {"ref": "@var:got"}]}
            the same key is twice in a map
              at world.air.json:31:17 (/6/edges/2/when)
        "##]],
    );
    let raise = "{\"variant\": {\"tag\": \"answer\", \"value\": {\"ref\": \"@var:answer\"}}}";
    let answer =
        |value: &str| format!("{{\"variant\": {{\"tag\": \"answer\", \"value\": {value}}}}}");
    let values = [
        answer("{\"record\": {\"id\": {\"text\": \"a\"}}}"),
        answer(
            "{\"record\": {\"id\": {\"text\": \"a\"}, \"ok\": {\"bool\": true}, \"more\": {\"nat\": 1}}}",
        ),
        answer("{\"record\": {\"id\": {\"nat\": 1}, \"ok\": {\"bool\": true}}}"),
        answer("{\"record\": {\"id\": {\"null\": {}}, \"ok\": {\"bool\": true}}}"),
        answer("{\"null\": {}}"),
        answer("{\"ref\": \"@plan.input\"}"),
        answer("{\"ref\": \"@var:got\"}"),
        "{\"variant\": {\"tag\": \"answer\"}}".to_owned(),
        "{\"variant\": {\"tag\": \"anwser\", \"value\": {\"ref\": \"@var:answer\"}}}".to_owned(),
        "{\"answer\": {\"id\": \"a\"}}".to_owned(),
        "{\"record\": {\"id\": {\"text\": \"a\"}}}".to_owned(),
    ];
    let edits: Vec<(&str, &str)> = values.iter().map(|it| (raise, it.as_str())).collect();
    check(
        &edits,
        &expect![[r##"
            # {"variant": {"tag": "answer", "value": {"record": {"id": {"text": "a"}}}}}
            the field `ok` is missing
              at world.air.json:27:18 (/6/steps/4/value)
            # {"variant": {"tag": "answer", "value": {"record": {"id": {"text": "a"}, "ok": {"bool": true}, "more": {"nat": 1}}}}}
            unknown field `more`; there are id, ok
              at world.air.json:27:18 (/6/steps/4/value)
            # {"variant": {"tag": "answer", "value": {"record": {"id": {"nat": 1}, "ok": {"bool": true}}}}}
            in `id`: a constant does not fit: expected text, found a number
              at world.air.json:27:18 (/6/steps/4/value)
            # {"variant": {"tag": "answer", "value": {"record": {"id": {"null": {}}, "ok": {"bool": true}}}}}
            in `id`: null is not text
              at world.air.json:27:18 (/6/steps/4/value)
            # {"variant": {"tag": "answer", "value": {"null": {}}}}
            null is not a record
              at world.air.json:27:18 (/6/steps/4/value)
            # {"variant": {"tag": "answer", "value": {"ref": "@plan.input"}}}
            `@plan.input` is t/Start@1, not a record
              at world.air.json:27:18 (/6/steps/4/value)
            # {"variant": {"tag": "answer", "value": {"ref": "@var:got"}}}
            `@var:got` is sys/HttpRequestReceipt@1, not a record
              at world.air.json:27:18 (/6/steps/4/value)
            # {"variant": {"tag": "answer"}}
            the tag `answer` needs a value
              at world.air.json:27:18 (/6/steps/4/value)
            # {"variant": {"tag": "anwser", "value": {"ref": "@var:answer"}}}
            unknown tag `anwser`; there are start, timer, answer
              at world.air.json:27:18 (/6/steps/4/value)
            # {"answer": {"id": "a"}}
            neither an expression nor a value of `t/Event@1`: found no such field
              at world.air.json:27:29 (/6/steps/4/value/answer)
              expected: bool
              hint: a record with expressions in it is written {"record":{…}}
            # {"record": {"id": {"text": "a"}}}
            a record is not a variant
              at world.air.json:27:18 (/6/steps/4/value)
        "##]],
    );
    check(
        &[
            (
                "\"bind\": {\"effect_id_as\": \"call\"}",
                "\"idempotency_key\": {\"ref\": \"@plan.input.n\"}, \"bind\": {\"effect_id_as\": \"call\"}",
            ),
            (
                "{\"ref\": \"@event.id\"}, {\"ref\": \"@var:correlation_id\"}",
                "{\"ref\": \"@event.$value.id\"}, {\"ref\": \"@var:correlation_id\"}",
            ),
        ],
        &expect![[r##"
            # "idempotency_key": {"ref": "@plan.input.n"}, "bind": {"effect_id_as": "call"}
            the idempotency key is neither bytes nor text, but nat
              at world.air.json:22:56 (/6/steps/1/idempotency_key)
            # {"ref": "@event.$value.id"}, {"ref": "@var:correlation_id"}
            `@event.$value.id`: there is no field `$value`
              at world.air.json:25:18 (/6/steps/3/where)
        "##]],
    );
}

/// Problems of different files and kinds come in one report, in order of file and position.
fn all_at_once() {
    let mut sources = edited(&[
        (
            "\"effects_emitted\": [\"timer.set\"]",
            "\"effects_emitted\": [\"timer.sat\"]",
        ),
        ("\"decision\": \"deny\"", "\"decision\": \"no\""),
        ("\"correlate_by\": \"id\"", "\"correlate_by\": \"di\""),
    ]);
    let file = "a.air.json".to_owned();
    sources.push(Source {
        file,
        text: "{\"$kind\": \"defcap\", \"nmae\": \"x\"}".to_owned(),
    });
    expect![[r#"
        unknown effect kind: `timer.sat`
          at world.air.json:14:27 (/5/abi/reducer/effects_emitted/0)
          hint: did you mean `timer.set`?
        unknown variable: `correlation_id`
          at world.air.json:25:70 (/6/steps/3/where/args/1/ref)
        `decision` is the text `no`
          at world.air.json:40:30 (/8/rules/2/decision)
          expected: one of allow, deny
        `di` of `t/Start@1`: there is no field `di`
          at world.air.json:54:76 (/10/triggers/0/correlate_by)
        defcap lacks the field `name`
          at a.air.json:1:1
        defcap lacks the field `cap_type`
          at a.air.json:1:1
        defcap lacks the field `schema`
          at a.air.json:1:1
        defcap has no field `nmae`
          at a.air.json:1:21 (/nmae)
          expected: one of name, cap_type, schema, enforcer"#]]
    .assert_eq(&report(&sources));
}

/// What a document holds is neither an order to a terminal nor a line of the report.
fn control_characters() {
    let key = "\\u001b[31m\\n  at /etc\\u202e";
    let params = format!("\"params\": {{\"record\": {{\"{key}\": 1}}}}}},");
    check(
        &[
            ("\"from\": \"a_url\"", &format!("\"{key}\": 1")),
            ("\"params\": {\"record\": {}}},", &params),
        ],
        &expect![[r##"
            # "\u001b[31m\n  at /etc\u202e": 1
            edge lacks the field `from`
              at world.air.json:29:15 (/6/edges/0)
            edge has no field `\u{1b}[31m\n  at /etc\u{202e}`
              at world.air.json:29:16 (/6/edges/0/\u{1b}[31m\n  at ~1etc\u{202e})
              expected: one of from, to, when
            # "params": {"record": {"\u001b[31m\n  at /etc\u202e": 1}}},
            params do not fit `t/timer@1`: found an unknown field
              at world.air.json:51:97 (/10/defaults/cap_grants/0/params/record/\u{1b}[31m\n  at ~1etc\u{202e})
              expected: no field at all
        "##]],
    );
    let mut sources = source("");
    sources[0].file = "a\u{1b}[2J.air.json".to_owned();
    expect![[r#"
        not JSON: EOF while parsing a value
          at a\u{1b}[2J.air.json:1:1"#]]
    .assert_eq(&report(&sources));
}

fn depth_and_size() {
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    expect![[r#"
        nested deeper than 64 levels
          at world.air.json:1:65"#]]
    .assert_eq(&report(&source(&nested)));
    let mut sources = base();
    sources[0].text.push_str(&" ".repeat(33 << 20));
    expect![[r#"
        more than 1024 files or 33554432 bytes
          at world.air.json:1:1"#]]
    .assert_eq(&report(&sources));
    let mut sources = base();
    sources[0].text.push_str(&"\"\\u0000\",".repeat(3));
    expect![[r#"
        not JSON: trailing characters
          at world.air.json:56:1"#]]
    .assert_eq(&report(&sources));
}
