// The simulated org seen by jsforce: run by node --test, with ORGSIM_URL naming a small org that may be changed.
import assert from "node:assert/strict";
import { test } from "node:test";
import jsforce from "jsforce";

const loginUrl = process.env.ORGSIM_URL;
const contacts = Number(process.env.ORGSIM_CONTACTS);
const username = "api.user@orgsim.example";
const oauth2 = { loginUrl, clientId: "orgsim-client", clientSecret: "orgsim-secret" };

async function signedIn(options = {}) {
  const connection = new jsforce.Connection({ loginUrl, version: "58.0", ...options });
  await connection.login(username, "orgsim-passwordORGSIMTOKEN");
  return connection;
}

test("signs in by SOAP login with the version of long ago", async () => {
  const connection = await signedIn({ version: "42.0" });
  assert.equal(connection.userInfo.organizationId.length, 18);
  assert.equal((await connection.query("SELECT COUNT() FROM Contact")).totalSize, contacts);
});

test("signs in with username and password of a connected app", async () => {
  const connection = new jsforce.Connection({ oauth2, version: "60.0" });
  await connection.login(username, "orgsim-password");
  assert.equal((await connection.identity()).username, username);
});

test("signs in with client credentials", async () => {
  const connection = new jsforce.Connection({ oauth2, instanceUrl: loginUrl, version: "66.0" });
  const user = await connection.authorize({ grant_type: "client_credentials" });
  assert.equal(user.organizationId.length, 18);
});

test("renews a session with the refresh token", async () => {
  const renewed = [];
  const connection = new jsforce.Connection({
    oauth2,
    instanceUrl: loginUrl,
    accessToken: "dead",
    refreshToken: "orgsim-refresh-token",
    version: "66.0",
  });
  connection.on("refresh", (token) => renewed.push(token));
  assert.equal((await connection.query("SELECT Id FROM Contact LIMIT 1")).records.length, 1);
  assert.equal(renewed.length, 1);
});

test("is told why a sign-in failed", async () => {
  const connection = new jsforce.Connection({ loginUrl });
  await assert.rejects(connection.login(username, "wrong"), /INVALID_LOGIN/);
});

test("is signed out for good after revoking", async () => {
  const connection = await signedIn();
  const { accessToken } = connection;
  await connection.oauth2.revokeToken(accessToken).catch(() => connection.logout());
  const after = new jsforce.Connection({ instanceUrl: loginUrl, accessToken, version: "58.0" });
  await assert.rejects(after.query("SELECT Id FROM Contact LIMIT 1"), { errorCode: "INVALID_SESSION_ID" });
});

test("fetches every page of a query", async () => {
  const connection = await signedIn();
  const result = await connection.query("SELECT Id, Owner.Name FROM Contact", { autoFetch: true, maxFetch: 1e6 });
  assert.equal(result.records.length, contacts);
  assert.ok(result.records[0].Owner.Name);
});

test("pages on demand", async () => {
  const connection = await signedIn();
  let result = await connection.query("SELECT Id FROM Contact", { headers: { "Sforce-Query-Options": "batchSize=200" } });
  let count = result.records.length;
  while (!result.done) {
    result = await connection.queryMore(result.nextRecordsUrl);
    count += result.records.length;
  }
  assert.equal(count, contacts);
});

test("finds with its own query builder", async () => {
  const connection = await signedIn();
  const found = await connection
    .sobject("Contact")
    .find({ LastName: { $ne: null }, CreatedDate: { $lte: jsforce.Date.toDateTimeLiteral(new Date()) } }, "Id, LastName")
    .sort({ LastName: 1 })
    .limit(5)
    .execute();
  assert.equal(found.length, 5);
});

test("describes objects, globally and one by one", async () => {
  const connection = await signedIn();
  const names = (await connection.describeGlobal()).sobjects.map((sobject) => sobject.name);
  assert.ok(names.includes("Contact") && names.includes("Lead"));
  assert.ok((await connection.describe("Contact")).fields.some((field) => field.name === "MobilePhone"));
});

test("creates, reads, changes, upserts and deletes a record", async () => {
  const connection = await signedIn();
  const { id, success } = await connection.sobject("Contact").create({ LastName: "Osei" });
  assert.ok(success);
  assert.ok((await connection.sobject("Contact").update({ Id: id, SMS_Opt_Out__c: true })).success);
  assert.equal((await connection.sobject("Contact").retrieve(id)).SMS_Opt_Out__c, true);
  const upserted = await connection.sobject("Contact").upsert({ LastName: "Ito", Student_ID__c: "J-1" }, "Student_ID__c");
  assert.ok(upserted.success);
  assert.ok((await connection.sobject("Contact").destroy(id)).success);
  await assert.rejects(connection.sobject("Contact").retrieve(id), { errorCode: /NOT_FOUND|ENTITY_IS_DELETED/ });
});

test("writes collections and reads back by ids", async () => {
  const connection = await signedIn();
  const made = await connection.sobject("Contact").create([{ LastName: "A" }, { LastName: "B" }, {}]);
  assert.deepEqual(made.map((item) => item.success), [true, true, false]);
  assert.equal(made[2].errors[0].statusCode ?? made[2].errors[0].errorCode, "REQUIRED_FIELD_MISSING");
  const ids = made.filter((item) => item.success).map((item) => item.id);
  assert.deepEqual((await connection.sobject("Contact").retrieve(ids)).map((r) => r.LastName), ["A", "B"]);
  assert.ok((await connection.sobject("Contact").destroy(ids)).every((item) => item.success));
});

test("lists what was deleted and updated", async () => {
  const connection = await signedIn();
  const { id } = await connection.sobject("Contact").create({ LastName: "Gone" });
  await connection.sobject("Contact").destroy(id);
  const from = new Date(Date.now() - 3_600_000);
  const to = new Date(Date.now() + 120_000);
  const deleted = await connection.sobject("Contact").deleted(from, to);
  assert.ok(deleted.deletedRecords.some((record) => record.id === id));
  assert.ok(Array.isArray((await connection.sobject("Contact").updated(from, to)).ids));
});

test("runs list views and reports", async () => {
  const connection = await signedIn();
  const views = await connection.request("/sobjects/Contact/listviews");
  assert.ok(views.listviews.length > 0);
  const [first] = await connection.analytics.reports();
  assert.equal(first.name, "All Contacts");
  const described = await connection.analytics.report(first.id).describe();
  assert.equal(described.reportMetadata.detailColumns[0], "CONTACT_ID");
  const run = await connection.analytics.report(first.id).execute({ details: true });
  assert.equal(run.factMap["T!T"].rows.length, Math.min(2000, contacts));
});

test("runs a report in the background", async () => {
  const connection = await signedIn();
  const [first] = await connection.analytics.reports();
  const report = connection.analytics.report(first.id);
  const started = await report.executeAsync({ details: true });
  let result = await report.instance(started.id).retrieve();
  while (!["Success", "Error"].includes(result.attributes.status)) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    result = await report.instance(started.id).retrieve();
  }
  assert.equal(result.attributes.status, "Success");
});

test("reads by Bulk API 2.0", async () => {
  const connection = await signedIn();
  connection.bulk2.pollInterval = 50;
  const stream = await connection.bulk2.query("SELECT Id, LastName FROM Contact WHERE LastName != 'nobody'");
  const records = await stream.toArray();
  assert.ok(records.length >= contacts);
  assert.equal(records[0].Id.length, 18);
});

test("is refused Bulk API 1.0", async () => {
  const connection = await signedIn();
  const job = connection.bulk.createJob("Contact", "query");
  await assert.rejects(job.open(), /FeatureNotEnabled|not enabled/i);
});

test("knows its limits", async () => {
  const connection = await signedIn();
  const limits = await connection.limits();
  assert.ok(limits.DailyApiRequests.Remaining < limits.DailyApiRequests.Max);
  assert.ok(connection.limitInfo.apiUsage.used > 0);
});

test("sends composite requests", async () => {
  const connection = await signedIn();
  const answer = await connection.requestPost("/composite", {
    allOrNone: false,
    compositeRequest: [
      { method: "GET", url: "/services/data/v58.0/query?q=SELECT+Id+FROM+Contact+LIMIT+1", referenceId: "one" },
      { method: "GET", url: "/services/data/v58.0/sobjects/Nothing", referenceId: "two" },
    ],
  });
  assert.deepEqual(answer.compositeResponse.map((part) => part.httpStatusCode), [200, 404]);
});

test("sees errors by their code", async () => {
  const connection = await signedIn();
  await assert.rejects(connection.query("SELECT No_Such__c FROM Contact"), { errorCode: "INVALID_FIELD" });
  await assert.rejects(connection.query("SELECT"), { errorCode: "MALFORMED_QUERY" });
  await assert.rejects(connection.describe("No_Such__c"), { errorCode: "NOT_FOUND" });
});
