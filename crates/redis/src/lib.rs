//! Grants of a fleet of processes in Redis or Valkey: [`RedisStore`].
//!
//! ```no_run
//! # async fn example() -> Result<(), countersign_tokens::StoreError> {
//! use countersign_redis::RedisStore;
//!
//! let store = RedisStore::connect("redis://localhost/").await?;
//! # Ok(()) }
//! ```
//!
//! It is a [`GrantStore`](countersign_tokens::GrantStore) for the `TokenManager` of
//! `countersign-tokens`. A load and a swap are one script each, and one round trip.
//!
//! # Durability
//!
//! If refresh tokens rotate, the stored one is the only one, and the attempt that is stored before
//! the token is sent keeps other processes from sending it too. Redis forgets writes that it has
//! acknowledged, unless it is configured otherwise:
//!
//! | setting | without it |
//! |---|---|
//! | `maxmemory-policy noeviction` | Redis drops grants when memory runs out: users have to be asked again |
//! | `appendonly yes` | a restart goes back to the last snapshot, or to nothing: to tokens that were used |
//! | `appendfsync always` | a crash of the machine goes back by a second or more (`everysec`): to tokens that were used in it. A crash of the server alone loses nothing |
//!
//! With all three, a swap that is done is on that server's disk. [`RedisStore::connect`] and
//! [`RedisStore::new`] check them and fail if one is missing;
//! [`danger_volatile`](RedisStore::danger_volatile) does not check. If no refresh token rotates, as
//! with HelloSign, losing the last second costs a refresh, and no grant.
//!
//! **A fail-over loses writes.** Redis answers before its replicas have a write, so the promoted
//! replica may lack the newest tokens. [`with_replicas`](RedisStore::with_replicas) waits until that
//! many replicas have it. This narrows what is lost and does not exclude it: a replica that lacks the
//! write may be promoted, and a replica acknowledges before it writes to disk. After a fail-over, as
//! after restoring a backup, a grant may hold a refresh token that was used. The provider rejects it
//! and the user is asked again, or, at a strict provider, all tokens of the grant end. If you cannot
//! accept that, use PostgreSQL, where a standby can be synchronous.
//!
//! No key expires.
//!
//! # Encryption
//!
//! The store keeps payloads as it gets them. Everybody who can read keys, `MONITOR`, the slow log,
//! the append-only file or the traffic without TLS can read the tokens. Give the manager a key ring
//! (`TokenManager::builder(..).sealed_by(ring)`), and Redis holds no token in clear.
//!
//! # Keys and clusters
//!
//! | key | type | content |
//! |---|---|---|
//! | `{countersign:17}:provider/client/subject` | hash | a record |
//! | `{countersign:17}:due` | sorted set | the keys of the bucket that are to be refreshed, by instant |
//! | `{countersign:17}:keys` | sorted set | all keys of the bucket, with score 0 |
//!
//! 17 is the bucket of the key, one of 64 by a hash. The part in braces decides on the slot of a
//! Redis Cluster. All three keys are in one slot, so a script changes record and sets in one atomic
//! step, in a cluster as on one server. The buckets spread over the nodes of a cluster of some ten.
//! Pages are read from all buckets and merged.
//!
//! The hash has the fields `version`, `due_at` and `record` (JSON), and for operators copies of some
//! members, which the library does not read: `state`, `expires_at`, `oldest_attempt_at`,
//! `lease_until` and `key_id`. An empty field is none. Instants are milliseconds since 1970 by the
//! server's clock. For example, the state of a grant and the begin of its oldest pending attempt:
//!
//! ```text
//! HMGET {countersign:37}:hellosign/client%20id/user%2042 state oldest_attempt_at
//! ```
//!
//! An ACL needs `~{countersign:*` and `+eval +evalsha +hmget +hset +hstrlen +del +exists +zadd +zrem
//! +zscore +zcount +zrange +zrangebylex +time +ping`, `+info +config|get` to check the settings,
//! `+wait` for replicas, and `+cluster` for a cluster.
//!
//! # Servers
//!
//! Redis 5 or later by the commands that the scripts use, or Valkey; tested with Redis 7.0. Time is
//! the server's (`TIME`). Keep the clocks of servers that may take over from each other in step, as
//! NTP does.
//!
//! # Features
//!
//! * `cluster`: `Connection::open_cluster`, for a Redis Cluster.
//! * `rustls`: TLS, for URLs that begin with `rediss://`.

mod connection;
mod durability;
mod error;
mod key;
mod pages;
mod script;
mod store;

pub use connection::Connection;
pub use durability::{Durability, Weakness};
/// The Redis library, in the version whose connections a store takes.
pub use redis;
pub use store::RedisStore;
