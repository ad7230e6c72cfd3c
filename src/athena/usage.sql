-- offkey's evidence from CloudTrail, computed where the logs lie. One pass over the partitions that are named below;
-- one row for each kind of call from one place on one day, with the ids and times of its events, and one for each
-- account, region, day and class of all other events, with how many there are. Give the result to
-- `offkey collect --athena-results`. docs/scale.md says what each part is for.
WITH record AS (
  SELECT
    {account} AS slice_account,
    {day} AS slice_day,
    "$path" AS object_path,
    coalesce(useridentity.type, '') AS identity_type,
    coalesce(useridentity.accesskeyid, '') AS key_id,
    coalesce(useridentity.accountid, '') AS identity_account,
    coalesce(useridentity.arn, '') AS identity_arn,
    coalesce(useridentity.username, '') AS user_name,
    coalesce(useridentity.invokedby, '') AS invoked_by,
    CASE WHEN useridentity.sessioncontext.attributes.creationdate IS NOT NULL
           OR useridentity.sessioncontext.attributes.mfaauthenticated IS NOT NULL
         THEN 'true' ELSE '' END AS in_session,
    coalesce(useridentity.sessioncontext.sessionissuer.username, '') AS issuer,
    coalesce({sessioncredentialfromconsole}, '') AS from_console,
    coalesce(eventtime, '') AS event_time,
    coalesce(eventid, '') AS event_id,
    coalesce(eventsource, '') AS event_source,
    coalesce(eventname, '') AS event_name,
    coalesce(awsregion, '') AS region,
    coalesce(sourceipaddress, '') AS source_ip,
    coalesce(useragent, '') AS user_agent,
    coalesce(errorcode, '') AS error_code,
    coalesce({sharedeventid}, '') AS shared_id,
    CASE WHEN {addendumreason} = 'UPDATED_DATA' THEN coalesce({addendumoriginal}, '') ELSE '' END AS replaced_id,
    coalesce({recipientaccountid}, '') AS recipient,
    coalesce({vpcendpointid}, '') AS vpc_endpoint,
    coalesce({eventcategory}, '') AS event_category,
    coalesce(eventtype, '') AS event_type,
    coalesce({managementevent}, '') AS management_event,
    coalesce({readonly}, '') AS read_only,
    coalesce(additionaleventdata, '') AS additional,
    coalesce(requestparameters, '') AS request,
    coalesce(responseelements, '') AS response,
    coalesce(array_join(transform(resources, item -> coalesce(item.arn, '')), chr(31)), '') AS arns,
    {prefixes} AS arn_prefixes,
    CASE WHEN eventtime IS NOT NULL AND (eventname IS NOT NULL OR eventtype IS NOT NULL) OR useridentity IS NOT NULL
         THEN 1 ELSE 0 END AS is_event
  FROM {table}
  WHERE {where}
),
marked AS (
  SELECT
    record.*,
    -- Placeholders such as "1" repeat on different records, so that only UUIDs identify an event.
    CASE WHEN length(event_id) = 36
          AND regexp_like(event_id, '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$')
         THEN 1 ELSE 0 END AS usual_id,
    CASE WHEN length(event_time) = 20
          AND regexp_like(event_time, '^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$')
         THEN 1 ELSE 0 END AS usual_time,
    CASE
      WHEN is_event = 0 OR substr(event_source, 1, 4) = 'aws:' THEN 'other'
{sessions}      -- Signed by an access key, or by something whose key id is in no usual form.
      WHEN key_id <> '' AND substr(key_id, 1, 4) <> 'ASIA' THEN 'use'
      -- Signed by a session that is no role's: a user's, or a federated user's.
      WHEN key_id <> '' AND identity_type <> 'AssumedRole' THEN 'use'
      -- Hands out a session.
      WHEN strpos(response, 'accessKeyId') > 0
       AND (key_id <> '' OR shared_id <> '' AND identity_type <> 'AWSService') THEN 'use'
      -- The caller's half of a role taken in another account.
      WHEN key_id <> '' AND shared_id <> '' AND substr(event_name, 1, 10) = 'AssumeRole' THEN 'use'
      -- A user's call without a key id.
      WHEN key_id = '' AND identity_type = 'IAMUser' THEN 'use'
      -- Roles' sessions of instances and hybrid nodes are named after their machine, which tells whose an address is.
      WHEN identity_type = 'AssumedRole' AND regexp_like(identity_arn, '/(mi-|i-)[0-9a-fA-F]{8,}$') THEN 'machine'
      ELSE 'count'
    END AS part
  FROM record
),
shaped AS (
  SELECT
    slice_account,
    slice_day,
    part,
    CASE WHEN usual_time = 1 THEN substr(event_time, 1, 10) ELSE event_time END AS event_day,
    CASE WHEN part = 'use' AND (usual_id = 0 OR usual_time = 0) THEN event_time ELSE '' END AS odd_time,
    CASE WHEN part = 'use' AND usual_id = 0 THEN object_path ELSE '' END AS odd_object,
    region,
    recipient,
    event_category,
    event_type,
    management_event,
    CASE WHEN part <> 'count' OR event_category <> 'Management' THEN event_source ELSE '' END AS event_source,
    CASE WHEN part <> 'count' OR recipient = '' THEN identity_account ELSE '' END AS identity_account,
    CASE WHEN part <> 'count' OR recipient = '' THEN identity_arn ELSE '' END AS identity_arn,
    CASE WHEN part <> 'count' THEN identity_type ELSE '' END AS identity_type,
    CASE WHEN part <> 'count' THEN source_ip ELSE '' END AS source_ip,
    CASE WHEN part = 'use' THEN key_id ELSE '' END AS key_id,
    CASE WHEN part = 'use' THEN user_name ELSE '' END AS user_name,
    CASE WHEN part = 'use' THEN invoked_by ELSE '' END AS invoked_by,
    CASE WHEN part = 'use' THEN in_session ELSE '' END AS in_session,
    CASE WHEN part = 'use' THEN issuer ELSE '' END AS issuer,
    CASE WHEN part = 'use' THEN from_console ELSE '' END AS from_console,
    CASE WHEN part = 'use' THEN event_name ELSE '' END AS event_name,
    CASE WHEN part = 'use' THEN user_agent ELSE '' END AS user_agent,
    CASE WHEN part = 'use' THEN error_code ELSE '' END AS error_code,
    -- Different in every record, and of use only where roles are taken.
    CASE WHEN part = 'use' AND (substr(event_name, 1, 10) = 'AssumeRole' OR strpos(response, 'accessKeyId') > 0)
         THEN shared_id ELSE '' END AS shared_id,
    CASE WHEN part = 'use' THEN replaced_id ELSE '' END AS replaced_id,
    CASE WHEN part = 'use' THEN vpc_endpoint ELSE '' END AS vpc_endpoint,
    CASE WHEN part = 'use' THEN read_only ELSE '' END AS read_only,
    CASE WHEN part = 'use' AND strpos(additional, 'QueryString') > 0 THEN additional ELSE '' END AS additional,
    CASE WHEN part = 'use' THEN request ELSE '' END AS request,
    -- Who handed out which session; the session's token stays where it is.
    CASE WHEN part = 'use' AND strpos(response, 'accessKeyId') > 0
         THEN regexp_replace(response, '"sessionToken"\s*:\s*"[^"\\]*"', '"sessionToken":""')
         ELSE '' END AS response,
    CASE WHEN part = 'use' THEN arns ELSE '' END AS arns,
    CASE WHEN part = 'use' THEN arn_prefixes ELSE '' END AS arn_prefixes,
    CASE WHEN part <> 'use' OR usual_id = 0 THEN ''
         WHEN usual_time = 1
         THEN substr(event_time, 12, 2) || substr(event_time, 15, 2) || substr(event_time, 18, 2) || replace(event_id, '-', '')
         ELSE replace(event_id, '-', '') END AS event
  FROM marked
)
SELECT
  '{format}' AS format,
  '{kind}' AS query_kind,
  '{origin}' AS origin,
  slice_account, slice_day, part, event_day, odd_time, odd_object, region, recipient, event_category, event_type,
  management_event, event_source, identity_account, identity_arn, identity_type, source_ip, key_id, user_name,
  invoked_by, in_session, issuer, from_console, event_name, user_agent, error_code, shared_id, replaced_id,
  vpc_endpoint, read_only, additional, request, response, arns, arn_prefixes,
  count(*) AS records,
  array_join(array_agg(DISTINCT event), ' ') AS events
FROM shaped
GROUP BY
  slice_account, slice_day, part, event_day, odd_time, odd_object, region, recipient, event_category, event_type,
  management_event, event_source, identity_account, identity_arn, identity_type, source_ip, key_id, user_name,
  invoked_by, in_session, issuer, from_console, event_name, user_agent, error_code, shared_id, replaced_id,
  vpc_endpoint, read_only, additional, request, response, arns, arn_prefixes
