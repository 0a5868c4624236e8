import { rename, writeFile } from "node:fs/promises";
import { type Config, typeUrl } from "./config.ts";

/** Gives an Envoy that watches this file another resource: it looks for files that are moved into place. */
export async function publishResource(watchedFile: string, message: string, resource: Config): Promise<void> {
  const resources = [{ "@type": typeUrl(message), ...resource }];
  await writeFile(`${watchedFile}.next`, JSON.stringify({ resources }));
  await rename(`${watchedFile}.next`, watchedFile);
}
