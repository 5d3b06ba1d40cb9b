//! The schema and its migrations.

#[cfg(feature = "sqlite")]
use sqlx::migrate::{Migrate, MigrateError};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

/// Not the default name, which the program's own migrations may use.
const TABLE: &str = "_countersign_migrations";

/// Creates the migrations of the schema whose only version is `grants`.
pub(crate) fn migrator(grants: &'static str) -> Migrator {
    let sql = AssertSqlSafe(grants).into_sql_str();
    let first = Migration::new(1, "grants".into(), MigrationType::Simple, sql, false);
    let mut migrator = Migrator::with_migrations(vec![first]);
    migrator.dangerous_set_table_name(TABLE);
    // A later version of this library may have added tables. Those of this version stay readable.
    migrator.set_ignore_missing(true);
    migrator
}

/// Applies the migrations within the caller's transaction: `Migrator::run` takes no lock in SQLite.
#[cfg(feature = "sqlite")]
pub(crate) async fn apply(
    grants: &'static str,
    connection: &mut sqlx::SqliteConnection,
) -> Result<(), MigrateError> {
    connection.ensure_migrations_table(TABLE).await?;
    let applied = connection.list_applied_migrations(TABLE).await?;
    for migration in migrator(grants).iter() {
        match applied.iter().find(|it| it.version == migration.version) {
            Some(applied) if applied.checksum == migration.checksum => {}
            Some(_) => return Err(MigrateError::VersionMismatch(migration.version)),
            None => drop(connection.apply(TABLE, migration).await?),
        }
    }
    Ok(())
}
