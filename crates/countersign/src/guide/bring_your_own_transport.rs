//! Any HTTP client will do. A transport is one method, and a test suite tells when it is right.
//!
//! [`Transport`](crate::Transport) is what Countersign asks for: a request goes in, whole, and a
//! response comes out, whole, or an error that says whether the request can have arrived. Here it is
//! over ureq 3, a client that blocks:
//!
//! ```text
#![doc = include_str!("../../guide/custom_transport.rs")]
//! ```
//!
//! # What to look at
//!
//! HTTP clients are made for web pages, and what is a convenience there loses tokens here. Look for
//! the options that turn these off, and for what cannot be turned off:
//!
//! * **Redirects.** After a 307 or 308 a client sends the POST again, client secret and code
//!   included, to wherever the answer says.
//! * **Sending again.** A connection that was kept may close just as a request goes out on it. Many
//!   clients then send the request a second time by themselves; a code that arrives twice ends the
//!   grant. Clients that cannot be told otherwise may be given a body that can be read only once, or
//!   a new connection.
//! * **Statuses as errors.** Refusals are told in the body of a 400: it has to come back.
//! * **The limit of the body.** Count what you read; what the server says of the length need not be
//!   true, and a compressed body grows. [`BodyCollector`](crate::BodyCollector) counts, joins, and
//!   wipes what it outgrows.
//! * **The limit of the time.** It is that of the whole call. A limit of each read never strikes
//!   while a server sends a byte now and then.
//! * **Errors.** Clients print the URL, query and all. And they say "connection reset" for a request
//!   that arrived and for one that did not: [`Delivery::NotSent`](crate::Delivery::NotSent) is for
//!   what cannot have arrived, such as a port that was refused. When in doubt it is `Unknown`, and
//!   the user has to consent once more; the other mistake loses the grant.
//! * **Dropping.** A caller who gives up drops the future. The connection has to close then, not
//!   when the server has had enough.
//! * **Logs.** Some clients log every byte at their most talkative level.
//! * **Proxies.** Plain `http` is for servers on this machine; a proxy of the environment must not
//!   see it.
//!
//! # The test suite
//!
//! `countersign-testkit` with its feature `conformance` has a rule for nearly all of this, each with
//! a server that tempts the transport to break it. In `tests/conformance.rs`:
//!
//! ```text
//! countersign_testkit::transport_conformance!(transport: UreqTransport::default());
//! ```
//!
//! A transport that needs a runtime says so in [`Transport::runtime`](crate::Transport::runtime), and
//! brings the runtime to the suite:
//!
//! ```text
//! countersign_testkit::transport_conformance!(
//!     transport: MyTransport::new(),
//!     block_on: |work| RUNTIME.block_on(work),
//! );
//! ```
