/** The word that shells put before the words of a command line when they ask what may come next. */
export const ASK = '__complete';
