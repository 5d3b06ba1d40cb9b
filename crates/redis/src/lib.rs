//! Grants of a fleet of processes in Redis, or Valkey: [`RedisStore`].
//!
//! ```no_run
//! # async fn example() -> Result<(), countersign_tokens::StoreError> {
//! use countersign_redis::RedisStore;
//!
//! let store = RedisStore::connect("redis://localhost/").await?;
//! # Ok(()) }
//! ```
//!
//! It is a [`GrantStore`](countersign_tokens::GrantStore) for a
//! [`TokenManager`](countersign_tokens::TokenManager). Each step is one script, and one round trip.
//!
//! # Durability
//!
//! Where refresh tokens rotate, the one that is stored is the only one there is, and the intent to
//! spend it, stored before it is sent, is what keeps others from sending it too. Redis forgets
//! writes that it has acknowledged, unless it is told not to:
//!
//! | setting | without it |
//! |---|---|
//! | `maxmemory-policy noeviction` | when memory runs out it drops grants: users have to be asked again |
//! | `appendonly yes` | a restart goes back to the last snapshot, or to nothing: to tokens that were spent |
//! | `appendfsync always` | a crash of the machine goes back by a second or more (`everysec`): to tokens that were spent in it. A crash of the server alone loses nothing |
//!
//! With all three an accepted step is on that server's disk. [`RedisStore::connect`] and
//! [`RedisStore::new`] look at them and refuse a server that lacks one;
//! [`danger_volatile`](RedisStore::danger_volatile) does not. Where no refresh token rotates, as
//! with HelloSign, what is lost of the last second costs a refresh, and not a grant.
//!
//! **A fail-over loses writes.** Redis answers before its replicas have a write, so the replica
//! that is promoted may lack the newest tokens.
//! [`with_replicas`](RedisStore::with_replicas) waits until that many have it, which narrows what
//! is lost and does not exclude it: a replica that lacks it may be promoted all the same, and
//! acknowledging is not writing to disk. After a fail-over, as after restoring a backup, a grant
//! may hold a refresh token that was spent; the provider refuses it, and the user is asked again,
//! or, at a strict provider, all tokens of the grant end. If that cannot be borne, keep grants
//! in PostgreSQL, where a standby can be synchronous.
//!
//! No key expires: fence and intents stay when a lease has run out, and a tombstone until it is
//! purged.
//!
//! # Encryption
//!
//! Payloads are kept as they come, and whoever may read keys, `MONITOR`, the slow log, the
//! append-only file or the traffic without TLS reads tokens. Put a `SealedStore` of
//! `countersign-tokens` (feature `sealed`) around the store, and they read none:
//!
//! ```no_run
//! # async fn example(key: [u8; 32]) -> Result<(), Box<dyn std::error::Error>> {
//! use countersign_redis::RedisStore;
//! use countersign_tokens::{KeyRing, SealedStore};
//!
//! let ring = KeyRing::new("2026-01", key)?;
//! let store = SealedStore::new(RedisStore::connect("redis://localhost/").await?, ring);
//! # Ok(()) }
//! ```
//!
//! # Keys, and clusters
//!
//! | key | type | what it has |
//! |---|---|---|
//! | `{countersign:17}:provider/client/subject` | hash | a grant: its record, all but the payload in clear |
//! | `{countersign:17}:due` | sorted set | which grants of the bucket are to be refreshed, by when |
//!
//! 17 is the grant's bucket, one of 64 by a hash of its key. What is in braces decides on the slot
//! of a Redis Cluster: both keys are in one, so that a script changes grant and list in one
//! atomic step there as on one server. A list for all grants would lie in another slot than most of
//! them, and have to be mended after each crash between the two. What is due is asked of all
//! buckets: by one script on one server, by 64 at the same time in a cluster. The buckets spread
//! over the nodes of a cluster of some ten; they are not made more later, since grants would not
//! be found.
//!
//! An ACL needs `~{countersign:*` and `+eval +evalsha +hmget +hset +hdel +del +exists +zadd +zrem
//! +zscore +zrangebyscore +time +ping`, `+info +config|get` for the look at the settings, `+wait` for
//! replicas, and `+cluster` for a cluster.
//!
//! # Servers
//!
//! Redis 5 or later by what the scripts use, or Valkey; tested with Redis 7.0. Time is the server's
//! (`TIME`): keep the clocks of nodes that may take over from each other in step, as NTP does.
//!
//! # Features
//!
//! * `cluster`: `Connection::open_cluster`, for a Redis Cluster.
//! * `rustls`: TLS, for URLs that begin with `rediss://`.

mod connection;
mod due;
mod durability;
mod error;
mod key;
mod reply;
mod script;
mod steps;
mod store;

pub use connection::Connection;
pub use durability::{Durability, Weakness};
/// The library of the connections that a store takes, in the version that it takes.
pub use redis;
pub use store::RedisStore;
