// SPDX-License-Identifier: Apache-2.0
// A ClickHouse of today behind the HTTP interface of its server, as far as packaging/fleet/load.sh and
// the tests use it.
// usage: node chdb_server.js PORT; needs chdb where NODE_PATH says.
const http = require('http');
const { Session } = require('chdb');

const session = new Session();

// Settings stand beside the query, as a server takes them; chdb has them for the session.
function answer(url, body) {
  const given = new URL(url, 'http://localhost').searchParams;
  for (const [name, value] of given) {
    if (name !== 'query') session.query(`SET ${name} = '${value}'`);
  }
  return session.query(`${given.get('query') ?? ''} ${body}`, 'TabSeparated');
}

http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    try {
      response.end(answer(request.url, Buffer.concat(parts).toString()));
    } catch (error) {
      response.statusCode = 400;
      response.end(`${error.message}\n`);
    }
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
