//! The tables, and how they come to be.

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
