//! What the published crates promise not to bring along, proved from `cargo tree`.
//!
//! "The HTTP backend is yours to choose" holds only while no crate slips one in. Dependencies of
//! every platform count, those of tests and builds do not.

use crate::{command::Outcome, metadata::Workspace};

const HTTP_CLIENTS: &[&str] = &[
    "attohttpc",
    "awc",
    "curl",
    "curl-sys",
    "hyper",
    "hyper-util",
    "isahc",
    "minreq",
    "reqwest",
    "surf",
    "ureq",
];
const RUNTIMES: &[&str] = &[
    "async-executor",
    "async-global-executor",
    "async-io",
    "async-std",
    "compio",
    "glommio",
    "mio",
    "monoio",
    "polling",
    "smol",
    "tokio",
];
const TLS: &[&str] = &[
    "aws-lc-rs",
    "aws-lc-sys",
    "boring",
    "boring-sys",
    "mbedtls",
    "native-tls",
    "openssl",
    "openssl-sys",
    "ring",
    "rustls",
    "schannel",
    "security-framework",
    "webpki-roots",
    "wolfssl",
];
/// Of the runtimes the one that isahc must not bring; its own `polling` is no runtime of the user's.
const TOKIO: &[&str] = &["hyper", "hyper-util", "mio", "reqwest", "tokio"];
const CURL: &[&str] = &["curl", "curl-sys", "isahc"];
/// TLS that is linked from the system.
const SYSTEM_TLS: &[&str] = &["native-tls", "openssl", "openssl-sys"];
const SQL: &[&str] = &["libsqlite3-sys", "sqlx", "sqlx-core", "sqlx-postgres", "sqlx-sqlite"];
const REDIS: &[&str] = &["redis"];
/// The feature that has libcurl built along, in place of linked from the system.
const STATIC_CURL: &[(&str, &str)] = &[("curl-sys", "static-curl")];

/// What holds for one package with one set of features (and not the default ones).
struct Rule {
    package: &'static str,
    features: &'static [&'static str],
    /// What has to be there, lest the rule hold because it looks at the wrong thing.
    has: &'static [&'static str],
    /// Which of them have to have which feature.
    with: &'static [(&'static str, &'static str)],
    has_not: &'static [&'static [&'static str]],
}

const RULES: &[Rule] = &[
    Rule {
        package: "countersign-core",
        features: &[],
        has: &["http"],
        with: &[],
        has_not: &[HTTP_CLIENTS, RUNTIMES, TLS],
    },
    Rule {
        package: "countersign-tokens",
        features: &[],
        has: &["countersign-core"],
        with: &[],
        has_not: &[HTTP_CLIENTS, RUNTIMES, TLS],
    },
    Rule {
        package: "countersign-tokens",
        features: &["threads"],
        has: &["async-io"],
        with: &[],
        has_not: &[HTTP_CLIENTS, TLS, TOKIO],
    },
    Rule {
        package: "countersign",
        features: &[],
        has: &["countersign-core"],
        with: &[],
        has_not: &[HTTP_CLIENTS, RUNTIMES, TLS],
    },
    Rule {
        package: "countersign",
        features: &["tokens", "tokens-sealed", "tokens-tower"],
        has: &["countersign-tokens", "tower-service"],
        with: &[],
        has_not: &[HTTP_CLIENTS, RUNTIMES, TLS, SQL, REDIS],
    },
    Rule {
        package: "countersign",
        features: &["reqwest"],
        has: &["countersign-core", "countersign-reqwest", "reqwest"],
        with: &[],
        has_not: &[CURL],
    },
    Rule {
        package: "countersign",
        features: &["isahc"],
        has: &["countersign-core", "countersign-isahc", "isahc", "curl-sys"],
        with: STATIC_CURL,
        has_not: &[TOKIO, SYSTEM_TLS],
    },
    Rule {
        package: "countersign-isahc",
        features: &["default"],
        has: &["isahc", "curl-sys", "rustls"],
        with: STATIC_CURL,
        has_not: &[TOKIO, SYSTEM_TLS],
    },
    // No TLS, HTTP/2 or anything else of isahc that was not asked for.
    Rule {
        package: "countersign-isahc",
        features: &["static-curl"],
        has: &["isahc", "curl-sys"],
        with: STATIC_CURL,
        has_not: &[
            TOKIO,
            &[
                "aws-lc-sys",
                "encoding_rs",
                "libnghttp2-sys",
                "log",
                "openssl-sys",
                "ring",
                "rustls",
            ],
        ],
    },
    Rule {
        package: "countersign-sqlx",
        features: &["postgres", "sqlite"],
        has: &["countersign-tokens", "sqlx-postgres", "libsqlite3-sys"],
        with: &[],
        has_not: &[HTTP_CLIENTS, TLS, REDIS],
    },
    // Its own protocol over tokio, and nothing that speaks HTTP.
    Rule {
        package: "countersign-redis",
        features: &["cluster"],
        has: &["countersign-tokens", "redis", "tokio"],
        with: &[],
        has_not: &[HTTP_CLIENTS, TLS, SQL],
    },
    Rule {
        package: "countersign",
        features: &["postgres", "sqlite"],
        has: &["countersign-tokens", "countersign-sqlx", "sqlx-postgres", "libsqlite3-sys"],
        with: &[],
        has_not: &[HTTP_CLIENTS, TLS, REDIS],
    },
    Rule {
        package: "countersign",
        features: &["redis", "redis-cluster"],
        has: &["countersign-tokens", "countersign-redis", "redis"],
        with: &[],
        has_not: &[HTTP_CLIENTS, TLS, SQL],
    },
    Rule {
        package: "countersign-testkit",
        features: &[],
        has: &["countersign-core"],
        with: &[],
        has_not: &[HTTP_CLIENTS, RUNTIMES, TLS, &["rcgen"]],
    },
];

/// Checks every rule and tells all that are broken.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let mut broken = Vec::new();
    for rule in RULES {
        let name = format!("{} [{}]", rule.package, rule.features.join(", "));
        match rule.faults(workspace) {
            Ok((crates, faults)) if faults.is_empty() => {
                println!("{name}: {crates} crates, as promised");
            }
            Ok((_, faults)) => broken.push(format!("{name}: {}", faults.join("; "))),
            Err(problem) => broken.push(format!("{name}: {problem}")),
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}\n`cargo tree --package <package> --edges normal --invert <crate>` shows the way in",
        broken.join("\n")
    )
    .into())
}

impl Rule {
    /// How many crates there are, and what is wrong with them.
    fn faults(&self, workspace: &Workspace) -> Outcome<(usize, Vec<String>)> {
        let features = self.features.join(",");
        let mut args = vec!["--package", self.package, "--edges", "normal"];
        args.extend(["--no-default-features", "--features", &features]);
        let tree = workspace.tree(&args)?;
        let contains = |name: &str| tree.iter().any(|(found, _)| found == name);
        let absent = self.has.iter().filter(|name| !contains(name));
        let present = self.has_not.iter().copied().flatten().filter(|name| contains(name));
        let mut faults: Vec<_> = absent
            .map(|name| format!("lacks {name}, so the rule proves nothing"))
            .chain(present.map(|name| format!("depends on {name}")))
            .collect();
        for (name, feature) in self.with {
            if !workspace.features_of(name, &args)?.contains(*feature) {
                faults.push(format!("has {name} without {feature}"));
            }
        }
        Ok((tree.len(), faults))
    }
}
