// SPDX-License-Identifier: Apache-2.0
// Runs statements of DuckDB, and prints the rows of the last one as JSON.
// usage: node duckdb_run.js < FILE.sql; needs @duckdb/node-api where NODE_PATH says.
const { DuckDBInstance } = require('@duckdb/node-api');

async function main() {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const text = require('fs').readFileSync(0, 'utf8');
  const all = await connection.extractStatements(text);
  let rows = [];
  for (let i = 0; i < all.count; ++i) {
    const statement = await all.prepare(i);
    rows = (await statement.runAndReadAll()).getRowsJson();
  }
  process.stdout.write(JSON.stringify(rows));
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
