// Beside the libraries, so that their names are found here and in no other folder.
export const load = (name) => import(name);
