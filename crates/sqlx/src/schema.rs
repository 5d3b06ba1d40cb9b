//! The tables, and how they come to be.

#[cfg(feature = "sqlite")]
use sqlx::migrate::{Migrate, MigrateError};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

/// Beside the table of the program's own migrations, which may be sqlx's too.
const TABLE: &str = "_countersign_migrations";

/// One version of the schema after the other: `(description, SQL)`.
pub(crate) fn migrator(versions: &[(&'static str, &'static str)]) -> Migrator {
    let migrations = (1..).zip(versions).map(|(version, (description, sql))| {
        let sql = AssertSqlSafe(*sql).into_sql_str();
        Migration::new(version, (*description).into(), MigrationType::Simple, sql, false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.dangerous_set_table_name(TABLE);
    // A later version of this library may have been here, whose tables serve this one too.
    migrator.set_ignore_missing(true);
    migrator
}

/// The same on a connection whose transaction keeps others out: `Migrator::run` locks nothing in
/// SQLite, and wants a connection that is not in the midst of something.
#[cfg(feature = "sqlite")]
pub(crate) async fn apply(
    versions: &[(&'static str, &'static str)],
    connection: &mut sqlx::SqliteConnection,
) -> Result<(), MigrateError> {
    connection.ensure_migrations_table(TABLE).await?;
    let applied = connection.list_applied_migrations(TABLE).await?;
    for migration in migrator(versions).iter() {
        if applied.iter().all(|it| it.version != migration.version) {
            connection.apply(TABLE, migration).await?;
        }
    }
    Ok(())
}
