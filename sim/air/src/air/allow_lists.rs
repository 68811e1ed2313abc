//! The allow-lists of `http.out`: which requests the parameters of a grant let pass.
//!
//! What the text of AIR is silent on follows AgentOS' own enforcer: the case of hosts, schemes and
//! methods does not matter, and a URL without a port has that of its scheme. An empty list lets
//! nothing pass, where that enforcer takes it for none; `check` warns of it.

use crate::value::Value;

/// The lists of one grant; an absent one restricts nothing.
#[derive(Clone, Copy, Debug)]
pub struct AllowLists<'a> {
    hosts: Option<&'a [Value]>,
    schemes: Option<&'a [Value]>,
    methods: Option<&'a [Value]>,
    ports: Option<&'a [Value]>,
    path_prefixes: Option<&'a [Value]>,
}

impl<'a> AllowLists<'a> {
    /// The lists in the parameters of a grant of `sys/http.out@1`. What is no list is none.
    pub fn of(params: &'a Value) -> AllowLists<'a> {
        let list = |name| match params.field(name) {
            Some(Value::List(items)) => Some(items.as_slice()),
            _ => None,
        };
        AllowLists {
            hosts: list("hosts"),
            schemes: list("schemes"),
            methods: list("methods"),
            ports: list("ports"),
            path_prefixes: list("path_prefixes"),
        }
    }

    fn named(&self) -> [(&'static str, Option<&'a [Value]>); 5] {
        [
            ("hosts", self.hosts),
            ("schemes", self.schemes),
            ("methods", self.methods),
            ("ports", self.ports),
            ("path_prefixes", self.path_prefixes),
        ]
    }

    /// Whether anything is restricted.
    pub fn restrict(&self) -> bool {
        self.named().iter().any(|(_, list)| list.is_some())
    }

    /// The lists that let nothing pass.
    pub fn empty(&self) -> impl Iterator<Item = &'static str> + use<'a> {
        let lists = self.named().into_iter();
        lists.filter_map(|(name, list)| list.is_some_and(<[_]>::is_empty).then_some(name))
    }

    /// The list that the method is not in.
    pub fn refuse_method(&self, method: &str) -> Option<&'static str> {
        (!has(self.methods, method)).then_some("methods")
    }

    /// The list that the URL does not fit, or `url` if it is none.
    pub fn refuse_url(&self, url: &str) -> Option<&'static str> {
        let Ok(url) = url.parse::<http::Uri>() else {
            return Some("url");
        };
        self.refuse_origin(&url).or_else(|| {
            let fits = |prefix: &str| url.path().starts_with(prefix);
            let passes = self
                .path_prefixes
                .is_none_or(|list| list.iter().filter_map(Value::as_text).any(fits));
            (!passes).then_some("path_prefixes")
        })
    }

    /// The list that no URL fits that begins like this, if so much of it tells.
    pub fn refuse_beginning(&self, url: &str) -> Option<&'static str> {
        // Up to the end of the host; what follows may be longer than what is known of it.
        let (scheme, rest) = url.split_once("://")?;
        let (host, _) = rest.split_once(['/', '?', '#'])?;
        let origin = format!("{scheme}://{host}/").parse().ok()?;
        self.refuse_origin(&origin)
    }

    /// Scheme, host and port.
    fn refuse_origin(&self, url: &http::Uri) -> Option<&'static str> {
        let scheme = url.scheme_str().unwrap_or_default().to_ascii_lowercase();
        let port = url.port_u16().or(match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        });
        let port = port.map(u64::from);
        let is_port = |item: &Value| port.is_some() && item.as_nat() == port;
        if !has(self.hosts, url.host().unwrap_or_default()) {
            Some("hosts")
        } else if !has(self.schemes, &scheme) {
            Some("schemes")
        } else if !self.ports.is_none_or(|list| list.iter().any(is_port)) {
            Some("ports")
        } else {
            None
        }
    }
}

fn has(list: Option<&[Value]>, found: &str) -> bool {
    let is_it = |item: &Value| {
        item.as_text()
            .is_some_and(|text| text.eq_ignore_ascii_case(found))
    };
    list.is_none_or(|list| list.iter().any(is_it))
}
